// Keeps the overview fresh while somebody looks at it. Without it the page is the same, only not live.
const look = async () => {
  const here = document.getElementById("live");
  if (document.hidden || here.contains(document.activeElement) || String(getSelection())) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const there = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  if (there && there.innerHTML !== here.innerHTML) here.replaceWith(there);
};
setInterval(() => look().catch(() => {}), 3000);
