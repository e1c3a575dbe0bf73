// The document and its page, served.
import type { Answer, Call, Route } from "../../route.ts";
import { ANY_OBJECT, TEXT } from "../rest/schemas/json-schema.ts";
import { createDocument } from "./document.ts";
import { PAGE_POLICY, renderPage } from "./page.ts";

const HTML = "text/html; charset=utf-8";

/** @param before routes that the document describes before its own; @param after those that follow */
export function createDocumentRoutes(
  before: readonly Route[],
  after: readonly Route[],
): readonly Route[] {
  // Made when it is first asked for: who never does need not wait for it.
  let document: string | undefined;
  const own: readonly Route[] = [
    {
      method: "GET",
      path: "/api/v1/openapi.json",
      scope: "public",
      category: "read",
      summary: "Read this document",
      answers: { 200: { description: "OpenAPI 3.1.", schema: ANY_OBJECT } },
      handle: (): Answer => {
        document ??= JSON.stringify(createDocument([...before, ...own, ...after]));
        return { status: 200, body: document, headers: { "content-type": "application/json" } };
      },
    },
    {
      method: "GET",
      path: "/api/v1/docs",
      scope: "public",
      category: "read",
      summary: "Read this document as a page",
      answers: {
        200: { description: "A page that loads nothing else.", schema: TEXT, contentType: HTML },
      },
      handle: (call: Call): Answer => {
        const body = renderPage([...before, ...own, ...after], new URL(call.request.url).origin);
        const headers = { "content-type": HTML, "content-security-policy": PAGE_POLICY };
        return { status: 200, body, headers };
      },
    },
  ];
  return own;
}
