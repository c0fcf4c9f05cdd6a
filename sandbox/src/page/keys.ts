import { html } from "hono/html";
import { CERTIFICATE_STAGES, SWITCH_STEPS, type CertificateStage } from "../ledger/key-modes.ts";
import type { MerchantView, StateView } from "../ledger/views.ts";
import { FIRST_CERTIFICATE, PUBLIC_KEY, SECOND_CERTIFICATE } from "../sandbox-keys.ts";
import { action, label, type Html } from "./format.ts";

const STAGES: Readonly<Record<CertificateStage, Html>> = {
  first: label("the first", "第一张"),
  "second-offered": label("the first; the second is offered", "第一张，已发布第二张"),
  "second-signs": label("the second; the first is still offered", "第二张，第一张仍有效"),
  "second-only": label("the second", "第二张"),
};

/** The keys that sign APIv3 messages, and the buttons that change them. */
export function keyPanel({ merchants }: StateView): Html {
  return html`${merchants.filter(({ apiV3 }) => apiV3).map(merchantKeys)}
    <details data-key="keys">
      <summary>${label("Keys to verify with", "验签密钥")}</summary>
      <p><code>${FIRST_CERTIFICATE.id}</code></p>
      <p><code>${SECOND_CERTIFICATE.id}</code></p>
      <p><code>${PUBLIC_KEY.id}</code></p>
      <p><a href="/sandbox/api/keys">/sandbox/api/keys</a> ${label("has the PEM", "含 PEM")}</p>
    </details>`;
}

function merchantKeys(merchant: MerchantView): Html {
  return html`<section class="key">
    <header>
      <code>${merchant.mchId}</code>
      <span class="badge info">${modeText(merchant)}</span>
    </header>
    ${
      merchant.verifyMode === "switching"
        ? html`<progress max="100" value="${merchant.switchPercent}"></progress>`
        : ""
    }
    <p class="note">
      ${label("Merchant serial", "商户证书序列号")}
      ${merchant.serialNos.map((serialNo) => html`<code>${serialNo}</code> `)}
    </p>
    ${merchant.verifyMode === "public-key" ? "" : certificateLine(merchant)}
    <div class="actions">${modeActions(merchant)}</div>
  </section>`;
}

function certificateLine({ certificateStage }: MerchantView): Html {
  return html`<p class="note">
    ${label("Platform certificate", "平台证书")}: ${STAGES[certificateStage]}
  </p>`;
}

function nextStage(stage: CertificateStage): CertificateStage {
  return CERTIFICATE_STAGES[CERTIFICATE_STAGES.indexOf(stage) + 1] ?? "first";
}

function modeText(merchant: MerchantView): Html {
  switch (merchant.verifyMode) {
    case "certificate":
      return label("certificate", "平台证书");
    case "public-key":
      return label("public key", "公钥");
    case "switching":
      return html`${label("switching", "切换中")} ${merchant.switchPercent} %`;
  }
}

function modeActions(merchant: MerchantView): Html {
  const change = (text: Html, body: object, tone?: "main"): Html =>
    action(text, {
      method: "PATCH",
      path: `/merchants/${merchant.mchId}`,
      body,
      ...(tone === undefined ? {} : { tone }),
    });
  const back = change(label("Back to certificates", "退回证书"), { verifyMode: "certificate" });
  const rotate = change(label("Rotate the certificate", "轮换证书"), {
    certificateStage: nextStage(merchant.certificateStage),
  });
  switch (merchant.verifyMode) {
    case "certificate": {
      const begin = { verifyMode: "switching", switchPercent: SWITCH_STEPS[0] };
      return html`${change(label("Switch to the public key", "切换到公钥"), begin)} ${rotate}`;
    }
    case "public-key":
      return back;
    case "switching": {
      const step = SWITCH_STEPS.find((percent) => percent > merchant.switchPercent);
      const nextButton =
        step === undefined
          ? change(label("Finish", "完成切换"), { verifyMode: "public-key" }, "main")
          : change(
              html`${label("Next step", "下一步")} ${step} %`,
              { verifyMode: "switching", switchPercent: step },
              "main",
            );
      return html`${nextButton} ${back}`;
    }
  }
}
