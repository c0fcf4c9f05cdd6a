/**
 * The page's script: sends the request of a button or the form, and replaces the live parts every
 * two seconds. It inserts only this Worker's own escaped HTML.
 */
export const SCRIPT = `
const POLL_MS = 2000;
const said = document.getElementById("said");
const form = document.getElementById("fault-form");

function say(text) {
  said.textContent = text;
  said.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.hidden = true; }, 6000);
}

async function ask(method, path, body) {
  try {
    const response = await fetch("/sandbox/api" + path, {
      method, headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    if (response.ok) return true;
    const { error, fields = [] } = await response.json();
    say([error, ...fields.map((it) => it.field + ": " + it.message)].join(" · "));
  } catch (error) {
    say("The sandbox does not answer: " + error.message);
  }
  return false;
}

async function refresh() {
  const response = await fetch("/parts");
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next === null || next.innerHTML === part.dataset.was) continue;
    const scrolled = part.querySelector(".calls")?.scrollTop;
    const open = new Set([...part.querySelectorAll("details[open]")].map((it) => it.dataset.key));
    part.dataset.was = next.innerHTML;
    part.replaceChildren(...next.childNodes);
    for (const it of part.querySelectorAll("details")) it.open = open.has(it.dataset.key);
    if (scrolled) part.querySelector(".calls").scrollTop = scrolled;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-path]");
  if (button === null) return;
  const { method, path, body, confirm: question } = button.dataset;
  if (question && !window.confirm(question)) return;
  button.disabled = true;
  await ask(method, path, JSON.parse(body));
  button.disabled = false;
  await refresh();
});

function showChoices() {
  const [on] = form.where.value.split("/");
  form.call.hidden = on !== "call";
  form.notification.hidden = on !== "notification";
  form.bill.hidden = on !== "bill";
  document.getElementById("out-refund-no").hidden = on !== "bill";
  form.outRefundNo.disabled = on !== "bill";
  const needsCode = on === "call" && form.call.value === "refuse";
  document.getElementById("err-code").hidden = !needsCode;
  form.errCode.required = needsCode;
  form.errCode.disabled = !needsCode;
}
form.addEventListener("change", showChoices);
showChoices();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [on, target] = form.where.value.split("/");
  const fault = { on, fault: form[on].value, times: Number(form.times.value) };
  if (on === "call") fault.path = target;
  if (on === "notification") fault.kind = target;
  if (on === "bill" && form.outRefundNo.value) fault.outRefundNo = form.outRefundNo.value;
  if (form.outTradeNo.value) fault.outTradeNo = form.outTradeNo.value;
  if (!form.errCode.disabled) fault.errCode = form.errCode.value;
  await ask("POST", "/faults", fault);
  await refresh();
});

async function poll() {
  if (!document.hidden) {
    try {
      await refresh();
    } catch (error) {
      say("The sandbox does not answer: " + error.message);
    }
  }
  setTimeout(poll, POLL_MS);
}
setTimeout(poll, POLL_MS);
`;
