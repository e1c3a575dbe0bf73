import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import { DEFAULT_KEY_LIMITS, MAX_KEY_LIMIT } from "../../../auth/key-limits.ts";
import { EVERY_SCOPE, SCOPES } from "../../../auth/scope.ts";
import {
  described,
  FLAG,
  INSTANT,
  listOf,
  NAME,
  oneOf,
  orNull,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";

export const KEY_PARAMS: ParameterSchemas = {
  id: described("Id of the key: the 12 characters after `mr_`.", TEXT),
};

const limitOf = (byDefault: number | null): JsonSchema => ({
  ...orNull({ type: "integer", minimum: 1, maximum: MAX_KEY_LIMIT }),
  default: byDefault,
});

const LIMIT_PROPERTIES = {
  read: limitOf(DEFAULT_KEY_LIMITS.read),
  write: limitOf(DEFAULT_KEY_LIMITS.write),
  execute: limitOf(DEFAULT_KEY_LIMITS.execute),
};

const LIMITS_SENTENCE = "Requests a minute by category; `null`: as many as it likes.";

const KEY_FIELDS = {
  id: described("The 12 characters after `mr_`.", TEXT),
  name: TEXT,
  scopes: listOf(oneOf(...SCOPES, EVERY_SCOPE)),
  limits: described(LIMITS_SENTENCE, shown(LIMIT_PROPERTIES)),
  createdAt: INSTANT,
  expiresAt: described("`null`: never.", orNull(INSTANT)),
  lastUsedAt: described("`null`: never; may be a minute late.", orNull(INSTANT)),
  rotatedAt: described("`null`: it has its first secret.", orNull(INSTANT)),
  previousUntil: described(
    "Until then the secret before the rotation is taken, too; `null`: there is none.",
    orNull(INSTANT),
  ),
};

export const KEY: JsonSchema = titled("ApiKey", shown(KEY_FIELDS));

export const NEW_KEY: JsonSchema = titled(
  "NewApiKey",
  shown({ ...KEY_FIELDS, key: described("The key itself. It is not shown again.", TEXT) }),
);

export const KEY_TO_CREATE: JsonSchema = titled(
  "ApiKeyToCreate",
  taken(
    {
      name: NAME,
      scopes: {
        ...listOf(oneOf(...SCOPES, EVERY_SCOPE)),
        description: "`*`: all of them. None that the key that asks has not itself.",
        minItems: 1,
      },
      expiresAt: described("In the future; absent: never.", orNull(INSTANT)),
      expiresInDays: {
        description: "Instead of `expiresAt`.",
        type: "integer",
        minimum: 1,
        maximum: 3_650,
      },
      limits: described(LIMITS_SENTENCE, orNull(taken(LIMIT_PROPERTIES))),
    },
    ["name", "scopes"],
  ),
);

export const KEY_TO_ROTATE: JsonSchema = titled(
  "ApiKeyToRotate",
  taken({
    graceSeconds: {
      description: "How long the old secret is taken, too.",
      type: "integer",
      minimum: 0,
      maximum: 604_800,
      default: 0,
    },
  }),
);

export const KEY_REVOKED: JsonSchema = titled("ApiKeyRevoked", shown({ id: TEXT, revoked: FLAG }));
