/** Of the page; its hash stands in the page's policy. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: light-dark(#0b5cad, #7db7f5); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template: "nav header" auto "nav main" 1fr / 19rem minmax(0, 1fr); }
header { grid-area: header; padding: 1rem 2rem 0; max-width: 62rem; }
nav { grid-area: nav; position: sticky; top: 0; height: 100vh; overflow: auto; padding: .5rem 1rem 2rem; border-right: 1px solid var(--line); }
nav h2 { margin: 1rem 0 .25rem; font-size: .8rem; text-transform: uppercase; opacity: .7; }
main > h2 { margin: 2.5rem 0 1rem; font-size: 1.5rem; }
main > h2::first-letter { text-transform: uppercase; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .1rem 0; }
main { grid-area: main; padding: 0 2rem 6rem; max-width: 62rem; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h1 { margin: .5rem 0; }
section { border-top: 1px solid var(--line); padding: 1.5rem 0; scroll-margin-top: 0; }
h3 { margin: 0 0 .5rem; }
h4 { margin: 1.2rem 0 .3rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
code { background: var(--soft); padding: .1em .3em; border-radius: 3px; overflow-wrap: break-word; }
pre { background: var(--soft); padding: .75rem; border-radius: 5px; overflow-x: auto; white-space: pre-wrap; }
pre code { background: none; padding: 0; }
.method { display: inline-block; margin-right: .5em; padding: 0 .5em; border-radius: 4px; background: var(--accent); color: light-dark(#fff, #10161d); font: 700 13px/1.6 ui-monospace, monospace; }
.path { font: 600 15px ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th:first-child { width: 24%; }
th:nth-child(2) { width: 30%; }
.faults th:first-child { width: 4rem; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--accent); }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td > p { margin: 0; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
p { margin: .3rem 0; }
@media (max-width: 50rem) {
body { display: block; }
header { padding: .5rem 1rem 0; }
nav { position: static; height: auto; max-height: 45vh; margin: 1rem; padding: 0 1rem 1rem; border: 1px solid var(--line); border-radius: 5px; }
main { padding: 0 1rem 3rem; }
thead { display: none; }
tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); }
td { display: block; padding: .1rem 0; border: 0; }
td + td { padding-left: 1rem; }
}
`;
