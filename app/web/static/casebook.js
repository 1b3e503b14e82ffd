// The page's own behaviour: incidents open beside the answer, the newest message comes into view, copy and download.
(() => {
  "use strict";
  let opener = null;

  const reader = () => document.getElementById("cb-reader");

  const language = () => (document.querySelector(".cb-header")?.dataset.lang || "en");

  async function open(link) {
    const pane = reader();
    const address = new URL(link.href, location.href);
    const answer = await fetch(`${address.pathname}?part=true&lang=${language()}`);
    if (!answer.ok) { window.open(link.href, "_blank", "noopener"); return; }
    const body = pane.querySelector("[data-body]");
    body.innerHTML = await answer.text();  // made by the server's escaping templates
    pane.querySelector("[data-page]").href = link.href;
    pane.hidden = false;
    document.body.classList.add("cb-reading");
    const mark = address.hash ? body.querySelector(`[id="${CSS.escape(address.hash.slice(1))}"]`) : null;
    if (mark) mark.classList.add("cb-target");
    body.focus({ preventScroll: true });
    (mark || pane).scrollIntoView({ block: mark ? "center" : "nearest" });
  }

  function close() {
    const pane = reader();
    if (!pane || pane.hidden) return false;
    pane.hidden = true;
    document.body.classList.remove("cb-reading");
    if (opener && opener.isConnected) opener.focus();
    return true;
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.closest("[data-close]")) { close(); return; }
    const inner = target.closest('#cb-reader a[href^="#"]');
    if (inner && !inner.hasAttribute("data-page")) {
      const found = reader().querySelector(`[id="${CSS.escape(inner.getAttribute("href").slice(1))}"]`);
      if (found) { event.preventDefault(); found.scrollIntoView({ block: "center" }); }
      return;
    }
    const link = target.closest('a[href^="/incidents/"]');
    if (link && reader() && !link.hasAttribute("data-page")) {
      event.preventDefault();
      event.stopPropagation();
      if (!link.closest("#cb-reader")) opener = link;
      open(link);
      return;
    }
    const skip = target.closest(".cb-skip");
    if (skip) { event.preventDefault(); (document.querySelector("#cb-box textarea") || document.getElementById("cb-main")).focus(); return; }
    const kept = target.closest("[data-copy], [data-download]");
    if (kept) keep(kept);
  }, true);

  function keep(button) {
    const text = button.closest("details").querySelector("textarea");
    if (button.dataset.download) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text.value], { type: "text/markdown" }));
      link.download = button.dataset.download;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    } else if (navigator.clipboard) {
      navigator.clipboard.writeText(text.value);
    } else {
      text.select();
      document.execCommand("copy");
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (close()) { event.preventDefault(); return; }
    const stop = document.querySelector("#cb-box .stop-button");
    if (stop) stop.click();
  });

  // A new question comes to the top of the window, so that its answer is read from its beginning.
  let asked = 0;
  new MutationObserver(() => {
    if (document.documentElement.lang !== language()) document.documentElement.lang = language();
    const box = document.querySelector("#cb-box textarea:not([aria-label])");
    if (box) box.setAttribute("aria-label", document.querySelector("#cb-box [data-testid=block-info]")?.textContent || box.placeholder);
    const rows = document.querySelectorAll("#cb-chat .user-row");
    if (rows.length > asked) rows[rows.length - 1].scrollIntoView({ block: "start", behavior: "auto" });
    asked = rows.length;
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
