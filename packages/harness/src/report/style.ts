/** The page's style sheet. Arms' colors: after Okabe and Ito, told apart with any kind of color vision. */
export const STYLE = `
:root{color-scheme:light dark;
--page:#f7f6f3;--surface:#fff;--ink:#1c1e21;--muted:#5d636b;--rule:#c9c8c3;--grid:#e9e8e4;--soft:#f0efeb;--link:#0b5cad;
--pass:#0a6b4a;--pass-bg:#e2f3ec;--warn:#7a4d00;--warn-bg:#fdf0d5;--fail:#a32a12;--fail-bg:#fde7e1;
--arm-standard:#73777d;--arm-0:#0068a8;--arm-1:#c75300;--arm-2:#00805f;--arm-3:#a8508a;--arm-4:#8a6a00;--arm-5:#2b86bd;--arm-6:#6a4fb3}
@media (prefers-color-scheme:dark){:root{
--page:#121417;--surface:#1a1d21;--ink:#e9e8e4;--muted:#a3a9b1;--rule:#4a4f56;--grid:#2a2e33;--soft:#23272c;--link:#86bdf2;
--pass:#6fd3ab;--pass-bg:#15332a;--warn:#f0c05a;--warn-bg:#3a2d10;--fail:#ff9d85;--fail-bg:#42201a;
--arm-standard:#a6abb2;--arm-0:#5fb4ee;--arm-1:#ff9550;--arm-2:#3fcf9f;--arm-3:#e79bcb;--arm-4:#e5c14d;--arm-5:#9bd3f5;--arm-6:#b7a3f2}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;padding:2.5rem 1.5rem 4rem;max-width:1120px;background:var(--page);color:var(--ink);
font:16px/1.55 "Inter","Segoe UI Variable Text","Segoe UI",system-ui,-apple-system,"Helvetica Neue","Liberation Sans",Arial,sans-serif;overflow-wrap:break-word}
p,li,dd,code,h1,h3,summary{overflow-wrap:anywhere}data{white-space:nowrap}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--surface);padding:.5rem 1rem}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
small{font-size:.8125rem;color:var(--muted)}.muted{color:var(--muted)}
.eyebrow{margin:0 0 1rem;font-size:.8125rem;font-weight:600;letter-spacing:.04em;color:var(--ink)}
.eyebrow span{font-weight:400;color:var(--muted);letter-spacing:0;margin-left:.75em}
h1{margin:0;max-width:24em;font:600 clamp(1.55rem,1.1rem + 2vw,2.35rem)/1.22 "Iowan Old Style","Charter","Source Serif 4",Georgia,"Liberation Serif",serif;letter-spacing:-.01em;text-wrap:balance}
h2{margin:0 0 1rem;font-size:1.3rem;line-height:1.3;letter-spacing:-.005em}
h3{margin:0 0 .5rem;font-size:1.05rem}
p{max-width:46em;margin:.5rem 0 1rem}
.remarks{margin:1rem 0 0;padding:0;list-style:none;color:var(--muted);max-width:46em}.remarks li{margin:.25rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;margin:2rem 0 0}
.tiles>div{background:var(--surface);border-radius:12px;padding:1rem 1.1rem}
.tiles dt{font-size:.8125rem;color:var(--muted)}.tiles dd{margin:0}.tiles b{display:block;font-size:1.75rem;line-height:1.3;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.02em}
.tiles small{display:block;line-height:1.4}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.75rem 0 0;font-size:.9rem}nav a{text-decoration:none}nav a:hover{text-decoration:underline}
main>section{background:var(--surface);border-radius:16px;padding:1.75rem;margin-top:1.25rem}
main>section,.checks{scroll-margin-top:1rem}
.scroll{overflow-x:auto;margin:0 0 1.5rem}.scroll:last-child{margin-bottom:0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:.875rem;padding:0 0 .6rem}
th,td{text-align:left;vertical-align:top;padding:.7rem 1.1rem .7rem 0;border-top:1px solid var(--grid)}
th:last-child,td:last-child{padding-right:0}
thead th{font-size:.8125rem;font-weight:600;color:var(--muted);border-top:0;border-bottom:1px solid var(--rule);vertical-align:bottom;padding-top:.2rem}
tbody tr:first-child>*{border-top:0}
tbody th{font-weight:600}tbody th small{display:block;font-weight:400}
td.number,th.number{text-align:right}
td .share{font-weight:650}td small{white-space:nowrap}td small.wrap{white-space:normal}
td .of,td .interval,td b+small,td small+small,td data:not(.share)+small,td .wrap{display:block}
td .term{display:none}
.glyph{display:block;width:100%;min-width:5.5rem;max-width:9rem;height:9px;margin:.3rem 0 .15rem}
.glyph .ruler{fill:var(--grid)}.glyph .span{fill:var(--arm-0);opacity:.4}.glyph .tick{fill:var(--ink)}.glyph .broken{fill:var(--arm-1);opacity:.75}
.arm{display:inline-flex;align-items:baseline;gap:.45em;font-weight:600}
.swatch{flex:none;width:.7em;height:.7em;border-radius:3px;background:var(--c)}
.badge{display:inline-block;padding:.1em .6em;border-radius:99px;font-size:.78rem;font-weight:600;line-height:1.6;white-space:nowrap;text-decoration:none;background:var(--soft);color:var(--muted)}
.badge.pass{background:var(--pass-bg);color:var(--pass)}.badge.warn{background:var(--warn-bg);color:var(--warn)}.badge.fail{background:var(--fail-bg);color:var(--fail)}
.badge.pass::before{content:"✓ "}.badge.warn::before{content:"! "}.badge.fail::before{content:"✕ "}
.plot{margin:0}.plot svg{display:block;width:100%;height:auto;overflow:visible}.plot svg text{font-family:inherit}
.plot figcaption{color:var(--muted);font-size:.875rem;margin-top:.5rem;max-width:52em}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.875rem;margin-bottom:.6rem}
.wide+.narrow,.plot:has(.wide) .legend{display:none}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1.75rem}
.gallery{margin-top:1.5rem}.gallery h3{margin:0}.gallery>p{margin:.15rem 0 .75rem;font-size:.875rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(var(--card,15rem),100%),1fr));gap:.9rem;list-style:none;margin:0;padding:0}
.card{background:var(--soft);border-radius:10px;padding:.7rem}
.card p{margin:.55rem 0 0;display:flex;gap:.6em;align-items:baseline;line-height:1.35}
.triple{display:grid;grid-template-columns:repeat(3,1fr);gap:.5rem}
.triple figure{margin:0}.triple img{display:block;width:100%;height:auto;image-rendering:pixelated;border-radius:4px}
.triple figcaption{display:flex;flex-direction:column;font-size:.75rem;line-height:1.35;color:var(--muted);padding-top:.25rem}
.triple figcaption b{color:var(--ink);font-size:.85rem;overflow-wrap:anywhere}.triple figcaption b.wrong{color:var(--fail);text-decoration:underline;text-underline-offset:.15em}
details{margin:.75rem 0}summary{cursor:pointer;color:var(--link)}summary .arm{color:var(--ink)}details[open]>summary{margin-bottom:.9rem}
.checks{margin-top:1.6rem}.callout{border-radius:10px;padding:.8rem 1rem;margin:.6rem 0;background:var(--soft);max-width:52em}
.callout p{margin:.2rem 0}p.callout{max-width:52em}.callout.fail{background:color-mix(in srgb,var(--fail-bg) 45%,var(--surface))}.callout.warn{background:color-mix(in srgb,var(--warn-bg) 45%,var(--surface))}
pre,code{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,"Liberation Mono",monospace;font-size:.8125rem}
pre{background:var(--soft);border-radius:10px;padding:1rem;overflow:auto;max-height:28rem;line-height:1.5}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.5rem;font-size:.9rem;margin:.5rem 0 1rem}.facts dt{color:var(--muted)}.facts dd{margin:0;max-width:46em}
footer{margin-top:2.5rem;padding:0 1.75rem}footer h2{font-size:1.05rem}
@media (max-width:1000px){.pair{grid-template-columns:1fr}.pair .wide{max-width:600px}.tiles{grid-template-columns:1fr 1fr}}
@media (max-width:800px){.plot .wide{display:none}.wide+.narrow{display:block;max-width:32rem}.plot:has(.wide) .legend{display:flex}}
@media (min-width:641px){tbody th{min-width:8.5rem}}
@media (max-width:640px){
body{padding:1.5rem .9rem 3rem}main>section{padding:1.25rem 1rem;border-radius:14px}footer{padding:0 .25rem}
.tiles{grid-template-columns:1fr 1fr}.tiles b{font-size:1.4rem}
.scroll{overflow:visible}table,caption,tbody,tr,th,td{display:block;width:100%}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{border-top:1px solid var(--rule);padding:.7rem 0}tbody th,tbody td{border:0;padding:.25rem 0}
tbody td,td.number{display:grid;grid-template-columns:8.5rem 1fr;gap:.75rem;text-align:left}td .term{display:block;color:var(--muted);font-size:.8125rem;padding-top:.15em}
.cards{grid-template-columns:1fr}.facts{grid-template-columns:1fr;gap:.1rem}.facts dd{margin-bottom:.6rem}}
@media print{body{background:#fff;padding:0;max-width:none}nav,.skip{display:none}main>section{break-inside:avoid-page;padding:1rem 0}}
`;
