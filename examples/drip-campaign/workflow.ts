// Mails that come days apart, until the last one or until the reader has had enough.
//
// Between two mails the run waits for the signal `unsubscribe`, for so many days at most: a sleep that can be ended. A
// run that waits is a row on the disk and nothing in memory; the process may be replaced a hundred times meanwhile. A
// signal that comes while a mail is being sent is kept for the next wait, so it is never lost.
//
//   npx node examples/drip-campaign/main.ts [days between mails]
import { workflow } from "@millrace/sdk";

export interface Subscriber {
  readonly email: string;
  /** Between two mails. */
  readonly days: number;
}

const MAILS = ["Welcome", "Your first week", "Tips from others", "Anything we can do?"];

export const dripCampaign = workflow("drip-campaign", {}, async (ctx, subscriber: Subscriber) => {
  const sent: string[] = [];
  for (const subject of MAILS) {
    const mail = await ctx.run("send", ({ idempotencyKey }) =>
      sendMail({ to: subscriber.email, subject, idempotencyKey }),
    );
    sent.push(mail);
    void ctx.setProgress({ sent: sent.length, of: MAILS.length });
    if (sent.length === MAILS.length) break;
    const wish = await ctx.waitForEvent<{ reason: string }>("pause", {
      event: "unsubscribe",
      timeout: subscriber.days * DAY_MS,
    });
    if (wish !== null) return { sent, unsubscribed: wish.reason };
  }
  return { sent, unsubscribed: null };
});

const DAY_MS = 86_400_000;

/** A real one would hand the key to its provider, which then sends once, however often the step is tried. */
function sendMail(mail: { to: string; subject: string; idempotencyKey: string }): string {
  return mail.subject;
}
