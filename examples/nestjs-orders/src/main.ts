import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.ts";

const app = await NestFactory.create(AppModule, { rawBody: true, logger: ["warn", "error"] });
app.enableShutdownHooks();
await app.listen(process.env["PORT"] ?? "3001", "127.0.0.1");
console.log(`listening on ${await app.getUrl()}`);
