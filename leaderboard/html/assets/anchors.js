// Keep the target of a link in place: charts above it are drawn, and grow, only when they come into view.

const SETTLING = 2000; // milliseconds

function holdTarget() {
  const target = document.querySelector(":target") ?? document.getElementById(settings.at);
  if (!target) return;
  const align = () => target.scrollIntoView({ block: "start", behavior: "instant" });
  const observer = new ResizeObserver(align);
  const inputs = ["wheel", "touchmove", "pointerdown", "keydown"];
  const release = () => {
    observer.disconnect();
    for (const input of inputs) removeEventListener(input, release);
  };
  for (const input of inputs) addEventListener(input, release, { passive: true }); // the reader scrolls
  setTimeout(release, SETTLING);
  observer.observe(at("main"));
}

addEventListener("hashchange", holdTarget);
addEventListener("load", holdTarget);
document.querySelector("nav").addEventListener("click", (event) => {
  // A click on the current target does not fire hashchange.
  if (event.target.hash && event.target.hash === location.hash) holdTarget();
});
