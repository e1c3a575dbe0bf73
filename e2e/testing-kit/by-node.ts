import { test } from "node:test";
import { defineKitTests } from "./kit-tests.ts";

defineKitTests((name, body) => void test(name, body));
