/** The page's style sheet: light and dark, from 320 px up. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f6; --card: #ffffff; --ink: #171a1f; --quiet: #626b77; --line: #e3e6ea;
  --accent: #067a3e; --on-accent: #ffffff; --soft: #f0f2f4;
  --good: #06703a; --good-soft: #def5e7; --pending: #8a5300; --pending-soft: #fdefd3;
  --bad: #b3261e; --bad-soft: #fde4e1; --info: #1d56b8; --info-soft: #e1ecfd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1114; --card: #171b20; --ink: #e7eaee; --quiet: #98a2ae; --line: #2a3038;
    --accent: #2fbf71; --on-accent: #06210f; --soft: #20262d;
    --good: #63d897; --good-soft: #12301f; --pending: #f2bd66; --pending-soft: #38290d;
    --bad: #ff9a90; --bad-soft: #421a17; --info: #8fb8ff; --info-soft: #17294a;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Noto Sans CJK SC", sans-serif;
}
h1, h2, p, dl, dd, ol, ul { margin: 0; padding: 0; }
h1 { font-size: 20px; line-height: 1.3; }
h2 { font-size: 15px; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.zh, time { white-space: nowrap; }
.zh { color: var(--quiet); font-weight: 400; font-size: .92em; }
.top {
  display: flex; flex-wrap: wrap; align-items: center; gap: 12px; justify-content: space-between;
  max-width: 1240px; margin: 0 auto; padding: 24px 20px 16px;
}
.top p { color: var(--quiet); font-size: 14px; }
.brand { display: flex; gap: 12px; align-items: center; min-width: 0; }
.brand svg { flex: none; fill: var(--accent); }
.layout {
  display: grid; grid-template-columns: minmax(0, 1fr) 380px; gap: 20px; align-items: start;
  max-width: 1240px; margin: 0 auto; padding: 0 20px 48px;
}
.stack { display: grid; gap: 16px; min-width: 0; }
.stack > * { min-width: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 18px; }
.card > header, .refund > header {
  display: flex; align-items: center; justify-content: space-between; gap: 12px;
}
.amount { font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.returned { color: var(--info); font-size: 14px; }
.body { margin: 6px 0 12px; font-weight: 500; }
dl { display: grid; grid-template-columns: 124px minmax(0, 1fr); gap: 3px 12px; font-size: 14px; }
dt { color: var(--quiet); }
time { font-variant-numeric: tabular-nums; }
.badge {
  flex: none; border-radius: 99px; padding: 2px 10px; font-size: 12px; font-weight: 600;
  background: var(--soft); color: var(--quiet); overflow-wrap: normal;
}
.badge.good { background: var(--good-soft); color: var(--good); }
.badge.pending { background: var(--pending-soft); color: var(--pending); }
.badge.bad { background: var(--bad-soft); color: var(--bad); }
.badge.info { background: var(--info-soft); color: var(--info); }
.tag {
  flex: none; border: 1px solid var(--line); border-radius: 6px; padding: 1px 6px; font-size: 11px;
  font-weight: 600; color: var(--quiet); white-space: nowrap;
}
.states { display: flex; gap: 8px; align-items: center; flex: none; }
.key + .key, .key + details { margin-top: 14px; }
.key { font-size: 14px; }
.key > header { display: flex; justify-content: space-between; align-items: center; gap: 12px; }
.key .note { margin-top: 8px; }
.key .note code { font-size: 12px; overflow-wrap: anywhere; }
.key .actions { margin-top: 10px; }
progress { width: 100%; height: 6px; margin-top: 10px; accent-color: var(--accent); }
details code { font-size: 12px; overflow-wrap: anywhere; }
a { color: var(--accent); }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 14px; }
.actions:empty { display: none; }
button {
  font: inherit; font-weight: 600; font-size: 14px; min-height: 38px; padding: 6px 14px;
  border: 1px solid var(--line); border-radius: 9px; background: var(--soft); color: var(--ink);
  cursor: pointer;
}
button:hover { border-color: var(--quiet); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.main .zh, time { white-space: nowrap; }
.zh { color: inherit; opacity: .85; }
button.danger { color: var(--bad); background: none; }
button:disabled { opacity: .5; cursor: progress; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.refund { margin-top: 14px; padding: 12px 14px; border-radius: 10px; background: var(--ground); }
.refund p { color: var(--quiet); font-size: 13px; }
.refund .actions { margin-top: 10px; }
details { margin-top: 14px; border-top: 1px solid var(--line); padding-top: 12px; font-size: 14px; }
summary { cursor: pointer; }
.notification { margin-top: 10px; padding-left: 12px; border-left: 2px solid var(--line); }
.notification code { color: var(--quiet); }
.notification ol { list-style: none; font-size: 13px; }
.ok b { color: var(--good); }
.failed, .failed b { color: var(--bad); }
.notification li { color: var(--quiet); }
.note { color: var(--quiet); font-size: 14px; }
.panel > h2 { margin-bottom: 10px; }
.panel > * + * { margin-top: 12px; }
form { display: grid; grid-template-columns: minmax(0, 1fr) 88px; gap: 10px; }
form label { display: grid; gap: 4px; font-size: 13px; font-weight: 600; align-content: start; }
form label:first-child, form label.wide, form button, #err-code { grid-column: 1 / -1; }
input, select {
  font: inherit; font-weight: 400; font-size: 16px; width: 100%; min-height: 38px; padding: 5px 10px;
  border: 1px solid var(--line); border-radius: 9px; background: var(--card); color: var(--ink);
}
.faults { list-style: none; display: grid; gap: 6px; margin-bottom: 12px; font-size: 14px; }
.faults li { display: flex; align-items: flex-start; justify-content: space-between; gap: 10px; }
.faults li > span:first-child { min-width: 0; }
.calls { list-style: none; max-height: 520px; overflow-y: auto; font-size: 13px; }
.calls li { padding: 8px 0; border-top: 1px solid var(--line); }
.calls li:first-child { border-top: 0; padding-top: 0; }
.calls time, .calls code { color: var(--quiet); }
.calls code { font-size: 12px; }
.settings { font-size: 13px; grid-template-columns: max-content minmax(0, 1fr); }
.empty { text-align: center; padding: 56px 24px; color: var(--quiet); }
.empty h2 { font-size: 18px; color: var(--ink); margin: 12px 0 4px; }
.empty p { max-width: 44ch; margin: 0 auto 20px; }
.empty svg { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linecap: round; }
.empty dl { justify-content: center; grid-template-columns: max-content minmax(0, max-content); text-align: left; }
#said {
  position: fixed; left: 50%; bottom: 20px; transform: translateX(-50%); max-width: calc(100vw - 32px);
  padding: 10px 16px; border-radius: 10px; background: var(--ink); color: var(--ground); font-size: 14px;
}
@media (max-width: 900px) {
  .layout { grid-template-columns: minmax(0, 1fr); padding: 0 12px 40px; gap: 16px; }
  .top { padding: 18px 16px 14px; }
  .card { padding: 16px; }
  button, input, select { min-height: 44px; }
  .calls { max-height: none; }
  h1 { font-size: 18px; }
  dl { grid-template-columns: 84px minmax(0, 1fr); gap: 3px 8px; }
  dt { font-size: 13px; }
  dd code { font-size: 12px; }
  .refund > header { flex-wrap: wrap; gap: 6px 12px; }
}
`;
