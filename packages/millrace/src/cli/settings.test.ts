import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { readSettings } from "./settings.ts";

const SECRET = "a-secret-that-nobody-may-see";

const read = (
  flags: object,
  env: Readonly<Record<string, string>> = {},
  cwd = "/nowhere",
): ReturnType<typeof readSettings> => readSettings({ ...flags }, { env, cwd });

describe("settings", () => {
  test("take accounts and mail servers from the environment, and no secret of them from the file", async () => {
    const env = {
      MILLRACE_STRIPE_KEY: "sk_test_1",
      MILLRACE_SMTP_URL: "smtp://a:b@mail.example.com:587",
      MILLRACE_MAIL_FROM: "Shop <shop@example.com>",
      MILLRACE_STRIPE_URL: "http://127.0.0.1:12111",
    };
    const settings = read({}, env);
    expect(settings.get("stripeKey")).toBe("sk_test_1");
    expect(settings.get("mailFrom")).toBe("Shop <shop@example.com>");
    for (const name of ["stripeKey", "slackToken", "smtpUrl"]) {
      await using folder = await plantFolder({
        "millrace.config.json": JSON.stringify({ [name]: SECRET }),
      });
      const attempt = (): unknown => read({}, {}, folder.path);
      expect(attempt).toThrow(/Set it by MILLRACE_\w+ instead/);
      expect(attempt).not.toThrow(SECRET);
    }
  });

  test("come from the flag, then the environment, then the file, then the default", async () => {
    await using folder = await plantFolder({
      "millrace.config.json": `{ "port": 1003, "host": "::1", "data": "d" }`,
    });
    const env = { MILLRACE_PORT: "1002", MILLRACE_HOST: "localhost" };
    const settings = read({ port: "1001" }, env, folder.path);
    expect(settings.get("port")).toBe("1001");
    expect(settings.get("host")).toBe("localhost");
    expect(settings.data).toBe(`${folder.path}/d`);
    expect(settings.get("logLevel")).toBe("info");
  });

  test("have defaults that are safe: this machine only, port 3000, ./.millrace", () => {
    const settings = read({});
    expect([settings.get("host"), settings.get("port"), settings.data]).toEqual([
      "127.0.0.1",
      "3000",
      "/nowhere/.millrace",
    ]);
  });

  test("refuse an environment variable of ours that nobody knows, and say which was meant", () => {
    expect(() => read({}, { MILLRACE_PROT: "1" })).toThrow(
      'The environment variable MILLRACE_PROT is not known. Did you mean "MILLRACE_PORT"?',
    );
  });

  test("leave the variables of others alone", () => {
    expect(() => read({}, { PORT: "1", MILL: "2", PATH: "/bin" })).not.toThrow();
  });

  test.for([
    [`{ "prot": 1 }`, /has "prot", which does not belong there\. Did you mean "port"\?/],
    [`{ "adminKey": "${SECRET}" }`, /Set it by MILLRACE_ADMIN_KEY instead/],
    [`{ "__proto__": 1 }`, /has "__proto__"/],
    [`{ "port": [3000] }`, /has "port" as array; it must be text or a number/],
    [`{ "port": `, /is not JSON/],
    [`[]`, /must hold an object, not array/],
  ] as const)("refuse the file %s", async ([text, message]) => {
    await using folder = await plantFolder({ "millrace.config.json": text });
    expect(() => read({}, {}, folder.path)).toThrow(message);
  });

  test.for([
    [{ port: "99999" }, {}, "--port must be a number from 0 to 65535."],
    [{ port: "-1" }, {}, "--port must be a number from 0 to 65535."],
    [{ logLevel: "loud" }, {}, /^--log-level must be one of debug, info/],
    [{ server: "localhost:3000" }, {}, "--server must be an http or https address."],
    [{}, { MILLRACE_PORT: "" }, /^MILLRACE_PORT must be/],
    [{}, { MILLRACE_ENV: "prod" }, "MILLRACE_ENV must be one of development, production."],
    [{}, { MILLRACE_STRIPE_KEY: "sk test" }, /^MILLRACE_STRIPE_KEY must be one word/],
    [{}, { MILLRACE_STRIPE_URL: "http://a/b" }, /^MILLRACE_STRIPE_URL must be .* without a path/],
    [{}, { MILLRACE_SLACK_TOKEN: "x\r\ny: z" }, /^MILLRACE_SLACK_TOKEN must be one word/],
    [
      {},
      { MILLRACE_SLACK_URL: "slack.com" },
      "MILLRACE_SLACK_URL must be an http or https address.",
    ],
    [
      {},
      { MILLRACE_SMTP_URL: "mail.example.com" },
      /^MILLRACE_SMTP_URL must be an address like smtp/,
    ],
    [
      {},
      { MILLRACE_SMTP_URL: "smtp://a/?tls.rejectUnauthorized=false" },
      /^MILLRACE_SMTP_URL must/,
    ],
    [{}, { MILLRACE_MAIL_FROM: "the shop" }, /^MILLRACE_MAIL_FROM must be an address like Shop/],
    [
      {},
      { MILLRACE_ADMIN_KEY: "short" },
      "MILLRACE_ADMIN_KEY has 5 characters and needs 32 or more.",
    ],
  ] as const)("refuse %j with %j", ([flags, env, message]) => {
    expect(() => read(flags, env)).toThrow(message);
  });

  test("never repeat a secret in a message", async () => {
    await using folder = await plantFolder({ "millrace.config.json": `{ "key": "${SECRET}" }` });
    for (const attempt of [
      () => read({}, { MILLRACE_ADMIN_KEY: SECRET.slice(0, 20) }),
      () => read({}, {}, folder.path),
      () => read({}, { MILLRACE_STRIPE_KEY: `${SECRET} ` }),
      () => read({}, { MILLRACE_SLACK_TOKEN: `${SECRET}\n` }),
      () => read({}, { MILLRACE_SMTP_URL: `smtp://a:${SECRET}@host/?x` }),
    ]) {
      expect(attempt).toThrow(/MILLRACE_/);
      expect(attempt).not.toThrow(SECRET.slice(0, 20));
    }
  });
});
