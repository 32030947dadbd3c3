// Copy buttons: hidden without this script; what they copy is named by data-copy.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (navigator.clipboard) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not allowed";
  }
  setTimeout(() => { label.textContent = before; }, 2000);
});

// The zone of this browser, so that pages show times by its clock.
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`recuro-zone=${encodeURIComponent(zone)}`)) {
    document.cookie = `recuro-zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
  }
}
