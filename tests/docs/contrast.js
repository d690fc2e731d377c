// The contrast of each text against what lies behind it (WCAG 2.1, relative luminance).
(() => {
  const channels = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = c => c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const over = (top, below) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a));
  };
  const ground = element => {
    const colours = [];
    for (let at = element; at; at = at.parentElement) colours.push(channels(getComputedStyle(at).backgroundColor));
    return colours.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const poor = [];
  let texts = 0;
  for (const element of document.querySelectorAll(
      ".md-content :is(h1, h2, h3, p, li, td, th, code, a), .result *, .highlight code span, .md-tabs__link, .md-nav__link")) {
    const words = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!words || !element.getClientRects().length || element.closest(".headerlink, .md-clipboard")) continue;
    const back = ground(element);
    const [a, b] = [light(over(channels(getComputedStyle(element).color), back)), light(back)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    texts += 1;
    if (ratio < 4.5) poor.push([element.tagName, element.textContent.trim().slice(0, 30), ratio.toFixed(2)]);
  }
  return {texts, poor: poor.slice(0, 5), ground: light(ground(document.body))};
})()
