// The whole script of the product beside htmx: Copy and Print, and a word when no answer came.
document.addEventListener("click", async (event) => {
  if (event.target.closest("button[data-print]")) window.print();
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const word = button.querySelector("[data-word]");
  await copy(source, source.textContent.trim());
  word.textContent = "Copied";
  setTimeout(() => { word.textContent = "Copy"; }, 2000);
});

// Browsers lend their clipboard to https and localhost alone; elsewhere the old way.
const copy = async (source, text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection().selectAllChildren(source);
  const give = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", give, { once: true });
  document.execCommand("copy");
};

// Our own errors bring a notice with them. A proxy's error, or no answer at all, does not.
const trouble = (event) => {
  const ctx = event.detail.ctx;
  const silent = !ctx?.response || ctx.response.status >= 500;
  if (silent && !ctx?.text?.includes('id="notice"')) {
    document.getElementById("trouble")?.removeAttribute("hidden");
  }
};
document.addEventListener("htmx:error", trouble);
document.addEventListener("htmx:response:error", trouble);
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.response?.status < 500) {
    document.getElementById("trouble")?.setAttribute("hidden", "");
  }
});
