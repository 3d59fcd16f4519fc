/**
 * The command `wherry asset --lines`, asked synchronously: constructs are made in constructors, which cannot wait for a
 * promise. One process answers all constructs of an application, because starting it takes longer than an answer.
 */

import { MessageChannel, MessagePort, Worker, receiveMessageOnPort } from "node:worker_threads";

/** Runs in a thread of its own, which writes queries to the command and passes its answers on. */
const THREAD = `
const { spawn } = require("node:child_process");
const { workerData } = require("node:worker_threads");
const { command, flag, port } = workerData;
const say = (text) => {
  port.postMessage(text);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
};
let failed;
const fail = (text) => {
  if (failed === undefined) {
    failed = JSON.stringify({ error: text });
    say(failed);
  }
};
const child = spawn(command, ["asset", "--lines"], { stdio: ["pipe", "pipe", "pipe"] });
let out = "";
let log = "";
child.stdout.setEncoding("utf8").on("data", (text) => {
  const lines = (out + text).split("\\n");
  out = lines.pop();
  lines.forEach(say);
});
child.stderr.setEncoding("utf8").on("data", (text) => (log = (log + text).slice(-65536)));
child.stdin.on("error", () => {});
child.on("error", (error) =>
  fail("cannot run \`" + command + "\`: " + error.message + "\\nhint: install it: pip install wherry"));
child.on("close", (code) => fail(log.trim() || "\`" + command + "\` has ended with status " + code));
port.on("message", (query) => (failed === undefined ? child.stdin.write(query + "\\n") : say(failed)));
`;

interface Process {
  readonly port: MessagePort;
  readonly flag: Int32Array;
}

/** By command, folder and variables: an application may change them between two constructs. */
const processes = new Map<string, Process>();

/** The answer to a query, both JSON; of a command that does not run, an object with `error`. */
export function answer(query: string): string {
  const command = process.env.WHERRY ?? "wherry";
  const key = JSON.stringify([command, process.cwd(), process.env]);
  let running = processes.get(key);
  if (running === undefined) {
    running = start(command);
    processes.set(key, running);
  }
  Atomics.store(running.flag, 0, 0);
  running.port.postMessage(query);
  let received = receiveMessageOnPort(running.port);
  while (received === undefined) {
    Atomics.wait(running.flag, 0, 0);
    received = receiveMessageOnPort(running.port);
  }
  return received.message as string;
}

function start(command: string): Process {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(THREAD, { eval: true, workerData: { command, flag, port: port2 }, transferList: [port2] });
  // Neither keeps the application from ending, and the command ends with it.
  worker.unref();
  port1.unref();
  return { port: port1, flag };
}
