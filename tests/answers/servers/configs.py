"""The configuration files of the servers: a short idle limit, gzip, one file of their own, all else from the application.

In each, `{port}` is where it listens, `{behind}` the port of the application, `{folder}` its own folder.
"""

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_timeout {idle}s;
    gzip on;
    gzip_min_length 100;
    types {{ text/plain txt; }}
    client_max_body_size 10m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip_types text/plain;
    proxy_buffer_size 256k;
    proxy_buffers 8 256k;
    proxy_busy_buffers_size 512k;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        location = /page.txt {{ }}
        location = /empty {{ return 204; }}
        location = /moved {{ return 302 /page.txt; }}
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DefaultRuntimeDir {folder}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
KeepAlive On
KeepAliveTimeout {idle}
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
DocumentRoot {folder}/www
<Directory {folder}/www>
    Require all granted
</Directory>
RewriteEngine On
RewriteRule ^/empty$ - [R=204,L]
RewriteRule ^/moved$ /page.txt [R=302,L]
ProxyPass /page.txt !
ProxyPass / http://127.0.0.1:{behind}/ disablereuse=on
"""

LIGHTTPD = """
server.modules = ( "mod_redirect", "mod_deflate", "mod_proxy" )
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/lighttpd.log"
server.max-keep-alive-idle = {idle}
mimetype.assign = ( ".txt" => "text/plain" )
url.redirect = ( "^/moved$" => "/page.txt" )
url.redirect-code = 302
deflate.mimetypes = ( "text/plain" )
deflate.allowed-encodings = ( "gzip" )
$HTTP["url"] !~ "^/(page\\.txt|moved)$" {{
    proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {behind} )) )
}}
"""

HAPROXY = """
global
    maxconn 256
    tune.bufsize 131072
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout http-keep-alive {idle}s
    option http-server-close
    compression algo gzip
    compression type text/plain
frontend outside
    bind 127.0.0.1:{port}
    http-request return status 204 if {{ path /empty }}
    http-request redirect location /page.txt code 302 if {{ path /moved }}
    default_backend inside
backend inside
    server application 127.0.0.1:{behind}
"""

CADDY = """
{{
    admin off
    auto_https off
    servers {{
        timeouts {{
            idle {idle}s
        }}
    }}
}}
http://127.0.0.1:{port} {{
    root * {folder}/www
    encode gzip
    redir /moved /page.txt 302
    respond /empty 204
    handle /page.txt {{
        file_server
    }}
    handle {{
        reverse_proxy 127.0.0.1:{behind}
    }}
}}
"""

PUMA = """
bind "tcp://127.0.0.1:{port}"
rackup "{here}/app.ru"
persistent_timeout {idle}
threads 1, 8
"""
