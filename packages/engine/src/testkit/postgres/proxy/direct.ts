// A connection of a client that has a connection to the server for itself.
import { connect, type Socket } from "node:net";
import { Exchange } from "./exchange.ts";
import { isCancelRequest, isEncryptionRequest, MessageReader, NO_ENCRYPTION } from "./messages.ts";
import type { Message } from "./messages.ts";
import type { Passage } from "./passage.ts";
import { StatementReader } from "./statements.ts";

export function serveDirectly(client: Socket, passage: Passage): void {
  const server = connect({ ...passage.target, allowHalfOpen: true });
  const fromClient = new MessageReader("client");
  const fromServer = new MessageReader("server");
  const statements = new StatementReader();
  const exchange = new Exchange();

  const ask = (message: Message): void => {
    if (isEncryptionRequest(message)) {
      client.write(NO_ENCRYPTION);
      return;
    }
    if (message.type !== "") {
      passage.statements.add(statements.read(message));
      exchange.fromClient(message);
    }
    server.write(message.bytes);
    if (isCancelRequest(message)) server.end();
  };
  const answer = (message: Message): void => {
    const { toClient, isCommit } = exchange.fromServer(message);
    if (isCommit && passage.isCommitCut()) {
      client.destroy();
      server.destroy();
      return;
    }
    for (const bytes of toClient) client.write(bytes);
  };
  passage.network.attach(client, {
    receive: (bytes) => fromClient.read(bytes).forEach(ask),
    closed: () => server.end(),
  });
  passage.network.attach(server, {
    receive: (bytes) => fromServer.read(bytes).forEach(answer),
    closed: () => client.end(),
  });
}
