import type { ActionContext, JsonValue } from "@millrace/protocol";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { makeSelfSigned } from "../../../../tools/testkit/self-signed.ts";
import { createGuard } from "../guard/guard.ts";
import type { Outbound } from "../outbound.ts";
import { createSandbox } from "../sandbox/sandbox.ts";
import { createMemorySandboxStore } from "../sandbox/store.ts";
import { createEmailActions, type EmailRoute } from "./actions.ts";

const PASSWORD = "the/pass word%of the test";
const MAIL = { to: "ada@example.com", subject: "Your order", body: { html: "<p>Thank you</p>" } };
type Send = (input: JsonValue, context?: Partial<ActionContext>) => Promise<unknown>;

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

interface MailServer {
  readonly port: number;
  readonly mails: readonly Received[];
}

async function openMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        const text = Buffer.concat(chunks).toString();
        mails.push({ from, to: rcptTo.map(({ address }) => address), text });
        done();
      });
    },
    ...options,
  });
  // A client that gives up is what some tests are about.
  server.on("error", () => undefined);
  const listener = server.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => new Promise<void>((closed) => server.close(closed)));
  // It listens on a port.
  return { port: (listener.address() as AddressInfo).port, mails };
}

const through = (route: EmailRoute, from: string | null = "Shop <shop@example.com>"): Send => {
  const actions = createEmailActions({ find: () => route, from });
  return async (input, context) => actions["email.send"]?.(input, anActionContext(context));
};

function toServer(url: string, outbound: Outbound = openGuard(), from?: string | null): Send {
  return through({ to: "server", url, outbound }, from);
}

function openGuard(): Outbound {
  const guard = createGuard({ mode: "development" });
  onTestFinished(() => guard.close());
  return guard;
}

describe("email.send", () => {
  test("hands the mail to the server, and gives its id and who accepted it", async () => {
    const server = await openMailServer();
    const send = toServer(`smtp://127.0.0.1:${server.port}`);
    const result = await send({
      ...MAIL,
      to: ["Ada <ada@example.com>", "bo@example.com"],
      bcc: "eve@example.com",
      replyTo: "help@example.com",
      headers: { "X-Order": "7" },
      attachments: [{ filename: "a.csv", content: "a;b", contentType: "text/csv" }],
    });
    expect(result).toEqual({
      messageId: expect.stringMatching(/^<[0-9a-f]{32}@millrace>$/) as string,
      accepted: ["ada@example.com", "bo@example.com", "eve@example.com"],
    });
    const [mail] = server.mails;
    expect([mail?.from, mail?.to]).toEqual([
      "shop@example.com",
      ["ada@example.com", "bo@example.com", "eve@example.com"],
    ]);
    for (const line of [
      "From: Shop <shop@example.com>",
      "To: Ada <ada@example.com>, bo@example.com",
      "Reply-To: help@example.com",
      "Subject: Your order",
      "X-Order: 7",
      "<p>Thank you</p>",
    ]) {
      expect(mail?.text).toContain(line);
    }
    expect(mail?.text).not.toMatch(/^bcc:/im);
  });

  test("gives every attempt of a step the same Message-ID, and other steps others", async () => {
    const server = await openMailServer();
    const send = toServer(`smtp://127.0.0.1:${server.port}`);
    for (const context of [{}, { attempt: 2 }, { step: "other" }]) await send(MAIL, context);
    const ids = server.mails.map(({ text }) => /^Message-ID: (.*)$/im.exec(text)?.[1]);
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false]);
  });

  test("sends no second mail and no header for whatever is in the data", async () => {
    const server = await openMailServer();
    const send = toServer(`smtp://127.0.0.1:${server.port}`);
    const evil = "\r\n.\r\nMAIL FROM:<x@example.com>\r\nBcc: victim@example.com\r\n";
    await send({ ...MAIL, body: { text: evil, html: evil } });
    expect(server.mails).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(["ada@example.com"]);
    expect(server.mails[0]?.text.split("\r\n\r\n")[0]).not.toContain("victim");
  });

  test("names recipients that the server refuses while it takes others", async () => {
    const server = await openMailServer({
      onRcptTo: ({ address }, _, done) =>
        done(address === "bo@example.com" ? new Error("no such user") : null),
    });
    const send = toServer(`smtp://127.0.0.1:${server.port}`);
    expect(await send({ ...MAIL, cc: "bo@example.com" })).toMatchObject({
      accepted: ["ada@example.com"],
      rejected: ["bo@example.com"],
    });
  });

  test.for([
    [450, "email.deferred", "infrastructure"],
    [550, "email.rejected", "code"],
    [503, "email.deferred", "infrastructure"],
  ] as const)("takes the reply %i as %s", async ([responseCode, code, source]) => {
    const server = await openMailServer({
      onRcptTo: (_address, _session, done) =>
        done(Object.assign(new Error("over quota"), { responseCode })),
    });
    const failure = await actionFailure(toServer(`smtp://127.0.0.1:${server.port}`)(MAIL));
    expect([failure.code, failure.source]).toEqual([code, source]);
    expect(failure.message).toContain("over quota");
  });

  test("blames a wrong password on the configuration, and does not show it", async () => {
    const server = await openMailServer({
      authMethods: ["PLAIN", "LOGIN"],
      allowInsecureAuth: true,
      authOptional: false,
      onAuth: ({ password }, _, done) => done(new Error(`no, not ${password ?? ""}`)),
    });
    const url = `smtp://shop:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
    const failure = await actionFailure(toServer(url)(MAIL));
    expect([failure.code, failure.source]).toEqual(["email.authentication-failed", "definition"]);
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) {
      expect(JSON.stringify([failure.message, failure.details, failure.stack])).not.toContain(
        secret,
      );
    }
  });

  test("logs in with the user and password of the address", async () => {
    const logins: unknown[] = [];
    const server = await openMailServer({
      allowInsecureAuth: true,
      authOptional: false,
      onAuth: ({ username, password }, _, done) => {
        logins.push([username, password]);
        done(null, { user: username });
      },
    });
    const url = `smtp://shop%40example.com:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
    await toServer(url)(MAIL);
    expect(logins).toEqual([["shop@example.com", PASSWORD]]);
  });

  test("is tried again when there is no server", async () => {
    const failure = await actionFailure(toServer("smtp://127.0.0.1:1")(MAIL));
    expect([failure.code, failure.source]).toEqual(["email.unreachable", "infrastructure"]);
    expect(failure.message).toContain("127.0.0.1:1");
  });

  test("goes to no address that the guard refuses", async () => {
    const guard = createGuard({ mode: "production" });
    onTestFinished(() => guard.close());
    const failure = await actionFailure(toServer("smtp://127.0.0.1:25", guard)(MAIL));
    expect(failure.code).toBe("outbound.refused");
  });

  test("connects to the checked address, and checks the certificate against the name", async () => {
    const names: (string | false)[] = [];
    const { key, cert } = makeSelfSigned("mail.example.com");
    const server = await openMailServer({
      secure: true,
      key,
      cert,
      disabledCommands: [],
      SNICallback: (name: string, done: (error: Error | null) => void) => {
        names.push(name);
        done(null);
      },
    });
    const asked: unknown[] = [];
    const outbound: Outbound = {
      fetch,
      resolve: (host, port) => {
        asked.push([host, port]);
        return Promise.resolve({ address: "127.0.0.1" });
      },
    };
    const url = `smtps://mail.example.com:${server.port}`;
    const failure = await actionFailure(toServer(url, outbound)(MAIL));
    expect(asked).toEqual([["mail.example.com", server.port]]);
    expect(names).toEqual(["mail.example.com"]);
    // Nobody vouches for the certificate.
    expect([failure.code, server.mails]).toEqual(["email.unreachable", []]);
    expect(failure.message).toContain("self-signed certificate");
  });

  test("needs a sender: from the step, else from the settings", async () => {
    const server = await openMailServer();
    const send = toServer(`smtp://127.0.0.1:${server.port}`, undefined, null);
    expect((await actionFailure(send(MAIL))).code).toBe("email.sender-missing");
    await send({ ...MAIL, from: "me@example.com" });
    expect(server.mails[0]?.from).toBe("me@example.com");
  });

  test("ends when the attempt does", async () => {
    const attempt = new AbortController();
    const server = await openMailServer({
      // Never says whether it takes the recipient.
      onRcptTo: () => attempt.abort(),
    });
    const send = toServer(`smtp://127.0.0.1:${server.port}`);
    const failure = await actionFailure(send(MAIL, { signal: attempt.signal }));
    expect([failure.code, failure.source]).toEqual(["email.unreachable", "infrastructure"]);
  });

  test.for([
    "mail.example.com",
    "http://mail.example.com",
    `smtp://shop:${encodeURIComponent(PASSWORD)}@mail.example.com/?tls.rejectUnauthorized=false`,
    "smtp://",
    "smtp://mail.example.com/path",
  ])("refuses the server %j without repeating it", async (url) => {
    const failure = await actionFailure(toServer(url)(MAIL));
    expect([failure.code, failure.source]).toEqual(["connection.invalid", "definition"]);
    expect(failure.message).toBe(
      "The mail server must be given as smtp://user:password@host:port, or smtps://…",
    );
  });
});

describe("email.send in the sandbox", () => {
  test("keeps the mail as people read it, once for all attempts", async () => {
    const sandbox = createSandbox({ store: createMemorySandboxStore() });
    const send = through({ to: "sandbox", sandbox }, null);
    const sent = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        send({ ...MAIL, to: "Ada <ada@example.com>" }, { attempt: at + 1 }),
      ),
    );
    expect(new Set(sent.map((it) => JSON.stringify(it))).size).toBe(1);
    const [kept, ...others] = await sandbox.list("default", "outbox", { before: null, limit: 9 });
    expect(others).toEqual([]);
    expect(kept).toMatchObject({
      connector: "email",
      runId: anActionContext().runId,
      step: "invoice",
      message: {
        from: "Millrace <millrace@localhost>",
        to: ["Ada <ada@example.com>"],
        subject: "Your order",
        html: "<p>Thank you</p>",
        text: null,
      },
    });
  });

  test("refuses what a server would be spared", async () => {
    const sandbox = createSandbox({ store: createMemorySandboxStore() });
    const send = through({ to: "sandbox", sandbox }, null);
    expect((await actionFailure(send({ ...MAIL, to: "" }))).code).toBe("email.recipient-missing");
    expect(await sandbox.list("default", "outbox", { before: null, limit: 9 })).toEqual([]);
  });
});

describe("the other email actions of the format", () => {
  test.each(["email.sendTemplate", "email.schedule"])(
    "%s says that it is not there",
    async (name) => {
      const sandbox = createSandbox({ store: createMemorySandboxStore() });
      const actions = createEmailActions({ find: () => ({ to: "sandbox", sandbox }), from: null });
      const done = actions[name]?.(MAIL, anActionContext()) ?? Promise.resolve();
      const failure = await actionFailure(done);
      expect([failure.code, failure.source]).toEqual(["email.action-unknown", "definition"]);
    },
  );
});
