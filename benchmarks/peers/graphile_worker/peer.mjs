// graphile-worker as a peer of the benchmark: the commands of ../contract.py, spoken in JavaScript.
//
// Node.js cannot map a file into memory. The slots of BENCH_COUNTER and BENCH_STARTED are written
// with pwrite instead, which every process that maps the file sees at once; the counter once per
// turn of the event loop, not once per job.

import { openSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(`${process.env.GRAPHILE_WORKER_FOLDER}/`);
const { makeWorkerUtils, run } = require("graphile-worker");

const WARM_UP = -1;
const CHUNK = 1000;
const PATIENCE = 30_000; // ms

const connectionString = process.env.BENCH_DSN;

const preset = {
  worker: {
    connectionString,
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};

/** The time as Python's time.time_ns() tells it. */
const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));

/** A file of little-endian 64-bit integers. */
function openSlots(variable) {
  const file = openSync(process.env[variable], "r+");
  const number = new BigInt64Array(1);
  return {
    read(slot) {
      readSync(file, number, 0, 8, slot * 8);
      return number[0];
    },
    write(slot, value) {
      number[0] = value;
      writeSync(file, number, 0, 8, slot * 8);
    },
  };
}

/** A function that adds 1 to the slot. */
function makeCounter(slot) {
  const slots = openSlots("BENCH_COUNTER");
  let count = slots.read(slot);
  let waiting = false;
  const flush = () => {
    waiting = false;
    slots.write(slot, count);
  };
  return () => {
    count += 1n;
    if (!waiting) {
      waiting = true;
      setImmediate(flush);
    }
  };
}

async function withUtils(use) {
  const utils = await makeWorkerUtils({ connectionString });
  try {
    return await use(utils);
  } finally {
    await utils.release();
  }
}

const prepare = () => withUtils((utils) => utils.migrate());

const enqueue = (count) =>
  withUtils(async ({ addJob }) => {
    await addJob("noop", { argument: WARM_UP });
    const start = performance.now();
    for (let argument = 0; argument < count; argument++) {
      await addJob("noop", { argument });
    }
    return { seconds: (performance.now() - start) / 1000, count };
  });

const sendChunk = (addJobs, first, length) =>
  addJobs(
    Array.from({ length }, (_, index) => ({
      identifier: "noop",
      payload: { argument: first + index },
    })),
  );

async function addChunks(addJobs, count) {
  const start = performance.now();
  for (let first = 0; first < count; first += CHUNK) {
    await sendChunk(addJobs, first, Math.min(CHUNK, count - first));
  }
  return { seconds: (performance.now() - start) / 1000, count };
}

const bulk = (count) =>
  withUtils(async ({ addJobs }) => {
    await sendChunk(addJobs, WARM_UP, 1);
    return addChunks(addJobs, count);
  });

const seed = (count) => withUtils(({ addJobs }) => addChunks(addJobs, count));

async function work(slot) {
  const countJob = makeCounter(slot);
  const started = process.env.BENCH_STARTED ? openSlots("BENCH_STARTED") : undefined;
  const taskList = {
    noop({ argument }) {
      if (argument !== WARM_UP) countJob();
    },
    started({ argument }) {
      const time = now();
      if (argument !== WARM_UP) started.write(argument, time);
    },
  };
  const runner = await run({ preset, taskList });
  await runner.promise;
}

const latency = (count) =>
  withUtils(async ({ addJob }) => {
    const slots = openSlots("BENCH_STARTED");
    const before = [];
    await addJob("started", { argument: WARM_UP });
    await sleep(1000);
    for (let argument = 0; argument < count; argument++) {
      await sleep(30 + 20 * Math.random());
      before.push(now());
      await addJob("started", { argument });
    }
    const times = () => before.map((_, slot) => slots.read(slot));
    const deadline = performance.now() + PATIENCE;
    while (times().includes(0n) && performance.now() < deadline) await sleep(10);
    const pairs = times().map((time, slot) => [before[slot], time]);
    const seen = pairs.filter(([, time]) => time);
    return { ms: seen.map(([sent, time]) => Number(time - sent) / 1e6) };
  });

const commands = { prepare, enqueue, bulk, seed, work, latency };
const [command, number = "0"] = process.argv.slice(2);
const result = await commands[command](Number(number));
if (result && command !== "prepare") console.log(JSON.stringify(result));
