#pragma once

#include <string_view>

namespace analysis::html {

/// How a page looks: on a phone (360 px), on a desk, in the dark and on A4. Colours are blue and orange with grey, which people
/// who see no red or no green tell apart; whatever a colour says stands there in words too.
inline constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ground:#fff;--text:#1b1b1b;--quiet:#5c6166;--line:#d5d8db;--blue:#0a62a8;--band:#0a62a855;--usual:#8a909640;--bad:#b3400b;--warn:#8a5a00;--good:#0a62a8;--card:#f6f7f8;--c0:#b3400b;--c1:#e58e4a;--c2:#f2cf9c;--c3:#9cc4e4;--c4:#3d86c2}
@media (prefers-color-scheme:dark){:root{--ground:#15181b;--text:#e7e9ea;--quiet:#a2a9af;--line:#3a4147;--blue:#6fb4ec;--band:#6fb4ec55;--usual:#a2a9af38;--bad:#ff9a5c;--warn:#e8bd55;--good:#6fb4ec;--card:#1d2125;--c0:#ff8a45;--c1:#c9722f;--c2:#7d5a35;--c3:#31587a;--c4:#4a94cf}}
*{box-sizing:border-box}
body{margin:0 auto;padding:12px;max-width:1280px;background:var(--ground);color:var(--text);font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;margin:.2em 0}h2{font-size:1.2rem;margin:1.6em 0 .3em;border-top:2px solid var(--line);padding-top:.5em}h3{font-size:1rem;margin:1.2em 0 .3em}
a{color:var(--blue)}p{margin:.3em 0}.quiet{color:var(--quiet)}
.state{font-size:1.25rem;font-weight:700}.critical{color:var(--bad)}.warning{color:var(--warn)}.good{color:var(--good)}
ul.findings{list-style:none;margin:.4em 0;padding:0}ul.findings li{background:var(--card);border-left:4px solid;margin:.35em 0;padding:.35em .6em}ul.findings span{color:var(--text)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.8rem}caption{text-align:left;color:var(--quiet);padding:.3em 0}
th,td{padding:.2em .45em;overflow-wrap:break-word;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}th{font-weight:600}th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w{min-width:16em;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:6px 14px}
figure{margin:0;min-width:0}figcaption{font-size:.8rem;color:var(--quiet)}figcaption b{color:var(--text)}
svg{display:block;width:100%;height:auto}svg svg{overflow:hidden}
text{font:10px system-ui,sans-serif;fill:var(--quiet)}text.x,text.note{text-anchor:middle}text.y{text-anchor:end}
path{fill:none;stroke-linejoin:round;vector-effect:non-scaling-stroke}.grid{stroke:var(--line);stroke-width:1}
.envelope{fill:var(--blue);stroke:var(--blue);stroke-width:1}.median{stroke:var(--blue);stroke-width:1.5}.spread{fill:var(--band)}.usual{fill:var(--usual)}.noise{stroke:var(--bad);stroke-width:1.2;stroke-dasharray:4 3}
image{image-rendering:pixelated}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.key span{white-space:nowrap}.key svg{display:inline-block;width:.8em;height:.8em;margin:0 .2em 0 .8em}
table.channels{font-size:.75rem}
@media screen and (max-width:600px){table.stations,.stations caption,.stations tbody{display:block}.stations thead{display:none}.stations tr{display:flex;flex-wrap:wrap;column-gap:.9em;border-bottom:1px solid var(--line);padding:.3em 0}.stations tr>*{border:0;padding:0}.stations th{flex:1;font-size:.9rem}.stations td.w{flex:1 0 100%;font-size:.9rem}.stations td:nth-child(4)::before{content:"complete "}.stations td:nth-child(5)::before{content:"newest "}.stations td:nth-child(6)::before{content:"battery V "}.stations td:nth-child(7)::before{content:"disk full in "}.stations td.n{color:var(--quiet)}}
@media print{@page{size:A4;margin:12mm}:root{color-scheme:light;--ground:#fff;--text:#000;--quiet:#444;--line:#bbb;--blue:#0a62a8;--band:#0a62a855;--usual:#8a909640;--bad:#9a3206;--warn:#6f4700;--good:#0a62a8;--card:#fff;--c0:#b3400b;--c1:#e58e4a;--c2:#f2cf9c;--c3:#9cc4e4;--c4:#3d86c2}body{max-width:none;padding:0;font-size:11px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.plots{grid-template-columns:repeat(3,1fr)}figure,tr,li,.calendar{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}table{font-size:9px}th,td{padding:.15em .35em}}
)css";

}  // namespace analysis::html
