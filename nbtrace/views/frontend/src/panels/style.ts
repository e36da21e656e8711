// Styles of the inspector. Colours come as variables from the theme.

export const STYLE = `
.nbt { box-sizing: border-box; display: flex; flex-direction: column; position: relative; min-width: 0; width: 100%; background: var(--ground);
  color: var(--text); border: 1px solid var(--line); border-radius: 6px; font-size: 13px; line-height: 1.4; overflow: hidden; text-align: left; }
.nbt *, .nbt *::before { box-sizing: border-box; }
.nbt:focus-visible, .nbt :focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.nbt-top { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; padding: 6px 8px; border-bottom: 1px solid var(--line); background: var(--raised); }
.nbt button, .nbt select, .nbt input { font: inherit; color: inherit; margin: 0; }
.nbt-tabs { display: flex; flex-wrap: wrap; gap: 2px; }
.nbt-tabs button { border: 0; background: none; padding: 3px 8px; border-radius: 5px; cursor: pointer; white-space: nowrap; }
.nbt-tabs button:hover { background: var(--line); }
.nbt-tabs button[aria-selected="true"] { background: var(--ground); box-shadow: 0 0 0 1px var(--line); font-weight: 600; }
.nbt-badge { margin-left: 5px; padding: 0 5px; border-radius: 8px; background: var(--error); color: var(--ground); font-size: 11px; font-weight: 600; }
.nbt-search { display: flex; flex: 1 1 600px; flex-wrap: wrap; gap: 4px 6px; align-items: center; justify-content: flex-end; min-width: 0; }
.nbt-input { background: var(--ground); border: 1px solid var(--line); border-radius: 5px; padding: 2px 7px; min-width: 0; height: 26px; }
.nbt-search .nbt-input { flex: 1 1 150px; max-width: 320px; }
.nbt-input::placeholder { color: var(--quiet); opacity: 1; }
.nbt-search .nbt-scope { flex: 0 1 auto; max-width: 210px; margin-right: auto; }
.nbt-pill { border: 1px solid var(--line); background: var(--ground); border-radius: 12px; padding: 1px 9px; cursor: pointer; white-space: nowrap; }
.nbt-pill[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--ground); }
.nbt-small { border: 1px solid var(--line); background: var(--ground); border-radius: 4px; padding: 0 6px; cursor: pointer; font-size: 11px; line-height: 18px; }
.nbt-small:hover, .nbt-pill:hover { border-color: var(--accent); }
.nbt-link, .nbt-unfold { border: 0; background: none; padding: 0; cursor: pointer; text-align: left; }
.nbt-link:hover { text-decoration: underline; }
.nbt-found { color: var(--quiet); white-space: nowrap; }
.nbt-found button { margin-left: 3px; }
.nbt-doing { padding: 3px 10px; border-bottom: 1px solid var(--line); font-size: 12.5px; font-variant-numeric: tabular-nums; }
.nbt-doing div { display: flex; }
.nbt-doing span { flex: 0 1 auto; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: pre; }
.nbt-doing span:first-child { flex-shrink: 9999; min-width: 10em; }
.nbt-middle { display: flex; flex: 1; min-height: 0; position: relative; }
.nbt-main { display: flex; flex-direction: column; flex: 1; min-width: 0; }
.nbt-stage { flex: 1; min-height: 0; position: relative; overflow: hidden; display: flex; flex-direction: column; }
.nbt-canvas, .nbt-minimap { display: block; touch-action: none; cursor: default; user-select: none; flex: none; }
.nbt-minimap { cursor: crosshair; border-bottom: 1px solid var(--line); }
.nbt-scroll { flex: 1; overflow: auto; min-height: 0; }
.nbt-half { border-top: 1px solid var(--line); }
.nbt-compare { padding: 6px 8px; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; }
.nbt-compare select { max-width: 260px; }
.nbt .nbt-table, .nbt .nbt-pairs, .nbt-help table { border-collapse: collapse; width: 100%; margin: 0; border: 0; font-size: 12.5px; table-layout: auto; }
.nbt .nbt-table th { position: sticky; top: 0; background: var(--raised); text-align: left; font-weight: 600; padding: 4px 10px; z-index: 1; white-space: nowrap; }
.nbt .nbt-table td { padding: 3px 10px; border-top: 1px solid var(--line); text-align: left; white-space: nowrap; }
.nbt .nbt-table tr, .nbt .nbt-pairs tr { background: none; }
.nbt .nbt-table tbody tr:hover { background: var(--raised); }
.nbt .nbt-table .nbt-chosen { background: color-mix(in srgb, var(--accent) 14%, transparent); }
.nbt .nbt-table .nbt-number { text-align: right; font-variant-numeric: tabular-nums; }
.nbt .nbt-table .nbt-small { margin-left: 8px; opacity: 0; }
.nbt .nbt-table tr:hover .nbt-small, .nbt .nbt-table .nbt-small:focus { opacity: 1; }
.nbt-bar { background: linear-gradient(to left, color-mix(in srgb, var(--accent) 20%, transparent) var(--share), transparent var(--share)); }
.nbt-code { font-family: var(--jp-code-font-family, ui-monospace, monospace); max-width: 340px; overflow: hidden; text-overflow: ellipsis; }
.nbt-when { position: relative; min-width: 150px; width: 30%; }
.nbt-when span { position: absolute; top: 5px; bottom: 5px; border-radius: 2px; }
.nbt-panel { width: 340px; flex: none; overflow: auto; border-left: 1px solid var(--line); padding: 8px 12px; background: var(--ground); }
.nbt-title { display: flex; gap: 8px; align-items: flex-start; justify-content: space-between; }
.nbt h3 { font-size: 14px; margin: 0 0 6px; overflow-wrap: anywhere; color: inherit; }
.nbt h4 { font-size: 12.5px; margin: 12px 0 4px; color: inherit; }
.nbt p { margin: 4px 0; overflow-wrap: anywhere; }
.nbt-facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 10px; margin: 0; font-size: 12.5px; }
.nbt-facts dt { color: var(--quiet); font-weight: 400; }
.nbt-facts dd { margin: 0; overflow-wrap: anywhere; }
.nbt .nbt-pairs th { text-align: left; font-weight: 400; color: var(--quiet); vertical-align: top; padding: 2px 8px 2px 0; min-width: 60px; max-width: 130px; overflow-wrap: anywhere; }
.nbt .nbt-pairs td { text-align: left; vertical-align: top; padding: 2px 0; overflow-wrap: anywhere; white-space: normal; }
.nbt .nbt-pairs td:last-child { width: 1%; white-space: nowrap; }
.nbt .nbt-pairs .nbt-small { opacity: 0; }
.nbt .nbt-pairs tr:hover > td > .nbt-small, .nbt .nbt-pairs .nbt-small:focus { opacity: 1; }
.nbt-text { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 260px; overflow: auto; background: var(--raised); border-radius: 4px; padding: 6px 8px; margin: 4px 0;
  font: 11.5px/1.45 var(--jp-code-font-family, ui-monospace, monospace); color: inherit; }
.nbt code { font-family: var(--jp-code-font-family, ui-monospace, monospace); background: none; color: inherit; padding: 0; }
.nbt-quiet { color: var(--quiet); }
.nbt-error, .nbt-slower { color: var(--error); }
.nbt-faster { color: var(--accent); }
.nbt-empty { padding: 14px; color: var(--quiet); }
.nbt-failure { border-bottom: 1px solid var(--line); padding: 5px 10px; }
.nbt-failure summary { cursor: pointer; overflow-wrap: anywhere; }
.nbt-help { position: absolute; right: 10px; top: 8px; z-index: 3; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px;
  box-shadow: 0 6px 24px rgb(0 0 0 / 0.25); max-height: calc(100% - 16px); overflow: auto; }
.nbt-help th { text-align: left; white-space: nowrap; padding: 2px 14px 2px 0; font-family: ui-monospace, monospace; font-size: 12px; }
.nbt-help td { text-align: left; padding: 2px 0; }
.nbt-bottom { position: relative; padding: 2px 10px; color: var(--quiet); font-size: 12px; border-top: 1px solid var(--line); background: var(--raised); }
.nbt-handle { position: absolute; left: 0; right: 0; bottom: 0; height: 6px; cursor: ns-resize; touch-action: none; }
.nbt-handle:hover { background: color-mix(in srgb, var(--accent) 40%, transparent); }
.nbt-read { position: absolute !important; width: 1px !important; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; bottom: 0; left: 0; display: block; }
.nbt-narrow .nbt-middle { flex-direction: column; }
.nbt-narrow .nbt-panel { width: auto; border-left: 0; border-top: 1px solid var(--line); max-height: 50%; }
.nbt-narrow .nbt-tabs button { padding: 3px 6px; }
@media (prefers-reduced-motion: no-preference) { .nbt-small, .nbt-pill, .nbt-tabs button { transition: background 0.12s, border-color 0.12s, opacity 0.12s; } }
`;
