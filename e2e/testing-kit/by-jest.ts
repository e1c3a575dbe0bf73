import { defineKitTests, type DefineTest } from "./kit-tests.ts";

// Jest makes it a global.
declare const test: DefineTest;

defineKitTests(test);
