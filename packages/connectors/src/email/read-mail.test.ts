import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { isObject } from "../action-input.ts";
import { readMail } from "./read-mail.ts";

const MAIL = { to: "ada@example.com", subject: "Hello", text: "x" };
const codeOf = (input: JsonValue): unknown => {
  try {
    readMail(input);
    return "read";
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
};

describe("a mail", () => {
  test("has its body beside or inside of body, and the names of both spellings", () => {
    const inside = {
      ...MAIL,
      text: null,
      body: { html: "<p>", text: "p" },
      reply_to: "bo@example.com",
    };
    expect(readMail(inside)).toMatchObject({
      html: "<p>",
      text: "p",
      replyTo: [{ address: "bo@example.com" }],
    });
    expect(readMail({ ...MAIL, html: "<p>" })).toMatchObject({ html: "<p>", text: "x" });
  });

  test("reads numbers that templates kept as numbers as text", () => {
    expect(readMail({ ...MAIL, subject: 7, text: 4317.84 })).toMatchObject({
      subject: "7",
      text: "4317.84",
    });
  });

  test.for([
    ["ada@example.com", [["", "ada@example.com"]]],
    [" Ada Lovelace <ada@example.com> ", [["Ada Lovelace", "ada@example.com"]]],
    ['"Lovelace, Ada" <ada@example.com>', [["Lovelace, Ada", "ada@example.com"]]],
    [
      "a@example.com, B <b@example.com>",
      [
        ["", "a@example.com"],
        ["B", "b@example.com"],
      ],
    ],
    [
      ["a@example.com", "b@example.com"],
      [
        ["", "a@example.com"],
        ["", "b@example.com"],
      ],
    ],
    ["ädä+tag@exämple.com", [["", "ädä+tag@exämple.com"]]],
    ["o'neill@sub.example.co.uk", [["", "o'neill@sub.example.co.uk"]]],
    ["root@localhost", [["", "root@localhost"]]],
  ] as const)("goes to %j", ([to, expected]) => {
    const found = readMail({ ...MAIL, to }).to.map(({ name, address }) => [name, address]);
    expect(found).toEqual(expected);
  });

  test.for([
    "ada",
    "ada@",
    "@example.com",
    "ada@example..com",
    "ada@-example.com",
    "ada @example.com",
    "ada@example.com>",
    "<ada@example.com",
    "a<b@example.com>c",
    '"ada@evil.example x"@example.com',
    "ada@example.com <bo@example.com> ",
    "group: a@example.com, b@example.com;",
    "ada(comment)@example.com",
    "ada@[127.0.0.1]",
    `${"a".repeat(65)}@example.com`,
    `a@${"b".repeat(64)}.com`,
    "ada@example.com,",
    "ada@example.com bo@example.com",
    "ada@example.com;bo@example.com",
    5,
    [["ada@example.com"]],
    { address: "ada@example.com" },
  ])("does not go to %j", (to) => {
    const code = codeOf({ ...MAIL, to });
    // A name before an address may look like one.
    const isNamed = to === "ada@example.com <bo@example.com> ";
    expect(code).toBe(isNamed ? "read" : "email.address-invalid");
  });

  test.for([undefined, null, "", []])("that goes to %j fails with a sentence", (to) => {
    const { to: _, ...rest } = MAIL;
    const input = to === undefined ? rest : { ...rest, to };
    expect(() => readMail(input)).toThrow(/^`to` is empty: the mail has no recipient\. A template/);
    expect(codeOf(input)).toBe("email.recipient-missing");
  });

  test.for([[["ada@example.com", null]], [[" "]], [[""]]] as const)(
    "with a gap among its recipients fails: %j",
    ([to]) => {
      expect(codeOf({ ...MAIL, to })).toMatch(/^email\.(recipient-missing|address-invalid)$/);
    },
  );

  test.for([
    ["\r\n", "a line break"],
    ["\n", "a line feed"],
    ["\r", "a carriage return"],
    ["\u0000", "a zero"],
    ["\u0085", "a next line"],
    ["\u2028", "a line separator"],
  ] as const)("takes no header from its author's data: %j, %s", ([end]) => {
    const evil = `x${end}Bcc: victim@example.com`;
    const attempts: readonly JsonValue[] = [
      { ...MAIL, subject: evil },
      { ...MAIL, to: `ada@example.com${end}, victim@example.com` },
      { ...MAIL, to: `Ada${end}Bcc: x <ada@example.com>` },
      { ...MAIL, from: `${evil} <a@example.com>` },
      { ...MAIL, cc: [evil] },
      { ...MAIL, replyTo: evil },
      { ...MAIL, headers: { "X-Order": evil } },
      { ...MAIL, headers: { [`X${end}Bcc`]: "victim@example.com" } },
      { ...MAIL, attachments: [{ filename: evil, content: "x" }] },
      {
        ...MAIL,
        attachments: [{ filename: "a", content: "x", contentType: `text/csv${end}X: y` }],
      },
    ];
    for (const attempt of attempts) {
      expect([attempt, codeOf(attempt)]).toEqual([attempt, expect.stringMatching(/^email\./)]);
    }
  });

  test.for([
    "Bcc",
    "to",
    "Message-ID",
    "Content-Type",
    "Resent-To",
    "DKIM-Signature",
    "a b",
    "",
    "X:",
  ])("does not let its author set the header %j", (name) => {
    expect(codeOf({ ...MAIL, headers: { [name]: "x" } })).toBe("email.header-invalid");
  });

  test.for([
    { ...MAIL, text: { path: "/etc/passwd" } },
    { ...MAIL, html: { href: "http://169.254.169.254/" } },
    { ...MAIL, text: null, body: { html: { path: "/etc/passwd" } } },
    { ...MAIL, text: null, body: "text" },
    { ...MAIL, text: null },
    { ...MAIL, body: { htlm: "x" } },
    { ...MAIL, body: { text: "y" } },
    { ...MAIL, raw: "x" },
    { ...MAIL, envelope: { to: "x" } },
    { to: "ada@example.com", text: "x" },
  ] as readonly JsonValue[])("is refused as %j", (input) => {
    expect(codeOf(input)).toBe("action.input-invalid");
  });

  test.for([
    { path: "/etc/passwd" },
    { href: "http://x" },
    { raw: "x" },
    { content: { path: "/etc/passwd" } },
    { content: "x", filename: "../x" },
    { content: "x", filename: "" },
    { content: "%%%", encoding: "base64" },
    { content: "x", encoding: "utf16" },
    { content: "x", contentType: "html" },
    "file",
  ] as readonly JsonValue[])("does not take the attachment %j", (attachment) => {
    const given = isObject(attachment) ? { filename: "a.txt", ...attachment } : attachment;
    expect(codeOf({ ...MAIL, attachments: [given] })).toBe("email.attachment-invalid");
  });

  test("takes attachments as text and in base 64", () => {
    const { attachments } = readMail({
      ...MAIL,
      attachments: [
        { filename: "a.txt", content: "ä" },
        {
          filename: "b.pdf",
          content: "JVBE\nRg==",
          encoding: "base64",
          contentType: "application/pdf",
        },
      ],
    });
    expect(attachments.map(({ content, encoding }) => [content, encoding])).toEqual([
      ["ä", "utf-8"],
      ["JVBERg==", "base64"],
    ]);
  });

  test.for([
    { action: "sendTemplate" },
    { action: "schedule" },
    { template: "welcome" },
    { send_at: "2027-01-01T00:00:00Z" },
    { provider: "sendgrid" },
  ])("says what is not there yet: %j", (more) => {
    expect(codeOf({ ...MAIL, ...more })).toBe("email.action-unknown");
  });

  test("may say what is there: action send, provider smtp", () => {
    expect(codeOf({ ...MAIL, action: "send", provider: "smtp", template: null })).toBe("read");
  });

  test("with ten thousand commas is read in no time", () => {
    const startedAt = performance.now();
    codeOf({ ...MAIL, to: `${"a,".repeat(10_000)}${'"'.repeat(10_000)}${"<".repeat(10_000)}` });
    codeOf({ ...MAIL, to: `${"a.".repeat(50_000)}@example.com` });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
