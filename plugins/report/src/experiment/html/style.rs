/// The page's style. Series have the colours of Okabe and Ito, which people with any kind of colour
/// vision can tell apart (without yellow, which is too pale for lines). On a dark page, those that
/// are too dark are lightened.
pub const STYLE: &str = "
:root { color-scheme: light dark;
  --ink: #20242c; --paper: #fff; --grey: #666d78; --rule: #dee2e8; --faint: #f5f6f8; --heat: #d55e00;
  --s0: #56b4e9; --s1: #e69f00; --s2: #0072b2; --s3: #009e73; --s4: #d55e00; --s5: #cc79a7;
  --s6: #20242c; --s7: #8b929d; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #dfe3ea; --paper: #16181d; --grey: #98a0ac; --rule: #343a44; --faint: #1e2127; --heat: #ff8a3d;
  --s2: #3f9fe0; --s3: #12bf90; --s4: #f07a2b; --s6: #dfe3ea; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, \"Segoe UI\", Helvetica, Arial, sans-serif; max-width: 1180px;
       margin: 2.5rem auto 5rem; padding: 0 1.5rem; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .6rem; }
h2 { font-size: 1.15rem; margin: 2.8rem 0 .8rem; padding-bottom: .25rem; border-bottom: 1px solid var(--rule); }
.lead { margin: 0 0 1.6rem; max-width: 52rem; }
.notes { color: var(--grey); font-size: .87rem; max-width: 56rem; padding-left: 1.1rem; margin: .6rem 0; }
.wide { overflow-x: auto; margin: 1.4rem 0 .4rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; border-bottom: 2px solid var(--ink); }
caption { text-align: left; font-size: .87rem; color: var(--grey); padding-bottom: .5rem; max-width: 56rem; }
caption b, figcaption b { color: var(--ink); }
th { font-weight: 600; font-size: .87rem; border-top: 2px solid var(--ink); border-bottom: 1px solid var(--ink);
     vertical-align: bottom; }
th, td { text-align: right; padding: .28rem 0 .28rem .95rem; white-space: nowrap; }
th:not(:first-child) { white-space: normal; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
table.pairs th:nth-child(2), table.pairs td:nth-child(2) { text-align: left; }
tbody tr.ours td { vertical-align: top; border-top: 1px solid var(--rule); padding-bottom: .2rem; }
tbody tr.ours:first-child td { border-top: 0; }
td small, th small { display: block; font-weight: 400; color: var(--grey); font-size: .76rem; line-height: 1.25; }
tr.beside td { color: var(--grey); font-style: italic; padding-top: 0; padding-bottom: .45rem; }
tr.beside td:first-child { padding-left: 1.1rem; }
table.words td, table.words th { text-align: left; white-space: normal; vertical-align: top; overflow-wrap: anywhere; }
table.words td:first-child { color: var(--grey); white-space: nowrap; }
.best { font-weight: 700; }
figure { margin: 1.6rem 0; }
figcaption { color: var(--grey); font-size: .87rem; max-width: 56rem; margin-top: .5rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: .6rem 1rem; align-items: start; }
.plots > div, .curves > div { min-width: 0; }
.plots h3, .curves h3 { font-size: .9rem; font-weight: 600; margin: 0 0 .2rem; padding-left: .2rem; }
.curves { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .3rem 1rem; }
.curves h3 { grid-column: 1 / -1; margin-top: .9rem; }
.strips { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 1.1rem 1.6rem; }
.strips h3 { font-size: .82rem; font-weight: 400; color: var(--grey); margin: 0 0 .15rem; }
.strips h3 b { color: var(--ink); font-weight: 600; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1.2rem; }
.examples div { font-size: .8rem; color: var(--grey); min-width: 0; overflow-wrap: anywhere; }
.examples div b { color: var(--ink); }
.examples img { display: block; width: 100%; height: auto; background: #000; margin-bottom: .3rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .84rem; margin-bottom: .7rem; }
.legend svg { margin-right: .45rem; vertical-align: 1px; }
svg { max-width: 100%; height: auto; overflow: visible; }
svg text { font-size: 11.5px; fill: var(--grey); }
svg text.label { font-size: 12.5px; fill: var(--ink); }
.grid { stroke: var(--rule); } .axis { stroke: var(--grey); }
.reference { stroke: var(--grey); stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 1.9; stroke-linejoin: round; }
.line:hover { stroke-width: 3.4; }
.dashed { stroke-dasharray: 6 3.5; }
.dot { stroke: var(--paper) !important; stroke-width: 1.2; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.s4 { stroke: var(--s4); } .s5 { stroke: var(--s5); } .s6 { stroke: var(--s6); } .s7 { stroke: var(--s7); }
.dot.s0 { fill: var(--s0); } .dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); } .dot.s3 { fill: var(--s3); }
.dot.s4 { fill: var(--s4); } .dot.s5 { fill: var(--s5); } .dot.s6 { fill: var(--s6); } .dot.s7 { fill: var(--s7); }
.floor { fill: var(--faint); } .pe { fill: var(--ink); } .unlabelled { fill: var(--rule); }
.heat { fill: var(--heat); }
.h1 { fill-opacity: .08; } .h2 { fill-opacity: .17; } .h3 { fill-opacity: .25; } .h4 { fill-opacity: .33; } .h5 { fill-opacity: .42; } .h6 { fill-opacity: .50; }
.h7 { fill-opacity: .58; } .h8 { fill-opacity: .67; } .h9 { fill-opacity: .75; } .h10 { fill-opacity: .83; } .h11 { fill-opacity: .92; } .h12 { fill-opacity: 1; }
.over { fill: var(--ink); }
@media print { body { max-width: none; margin: 0; } figure, tr { break-inside: avoid; } }
@media (max-width: 700px) { .strips, .curves { grid-template-columns: 1fr; } }";
