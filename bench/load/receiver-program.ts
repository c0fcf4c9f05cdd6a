import { AppReceiver } from "../../testkit/app-receiver.ts";
import { FLOOR_PATH, type ReceiverAnswer, type ReceiverRequest } from "./receiver-process.ts";

/**
 * The apps' server as a process of its own, so that verifying callbacks takes no time from the
 * driver, whose clock measures the gateway. Ends with its parent.
 */
const receiver = await AppReceiver.start();

function answer(request: ReceiverRequest): ReceiverAnswer {
  switch (request.kind) {
    case "trust":
      receiver.trust(request.app);
      return { callbacks: [] };
    case "callbacks": {
      // The floor signs nothing.
      const callbacks = receiver.callbacks.filter(({ path }) => path !== FLOOR_PATH);
      return { callbacks: callbacks.slice(request.from) };
    }
  }
}

process.on("message", (request: ReceiverRequest) => process.send?.(answer(request)));
process.once("disconnect", () => process.exit());
process.send?.(receiver.url);
