// The one way in: installs what the lockfile says if it is not there yet, then hands over to Node 24.
//
//   node scripts/bootstrap.mjs <script.ts> [arguments]
//
// It runs on whatever Node the machine has (20 or newer) and uses nothing but that, because at this moment
// nothing else may be there. The project's own Node comes as an npm package, so it is locked like the rest.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stampFile = join(modules, ".quadrille-installed");
const lockFile = join(root, ".cache", "bootstrap.lock");
const lockUntouchedMsMax = 60_000;
const signalRepeatMs = 1_000;

class Stop extends Error {}

try {
  const [script, ...rest] = process.argv.slice(2);
  if (script === undefined) throw new Stop("Usage: node scripts/bootstrap.mjs <script.ts> [arguments]");
  if (!isInstalled()) await whileLocked(install);
  process.exitCode = await handOver(findNode(), script, rest);
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** What must be installed, as one short string; a change of scripts or descriptions does not count. */
function wanted() {
  const { workspaces, dependencies, devDependencies, optionalDependencies } = readJson(
    join(root, "package.json"),
  );
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(JSON.stringify([workspaces, dependencies, devDependencies, optionalDependencies]))
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted();
}

/** True after an `npm install` by hand: npm's own record of what lies in node_modules agrees with the lockfile. */
function isInstalledByHand() {
  const record = join(modules, ".package-lock.json");
  if (!existsSync(record)) return false;
  const present = readJson(record).packages;
  return Object.entries(readJson(join(root, "package-lock.json")).packages).every(([path, entry]) => {
    if (!path.startsWith("node_modules/")) return true; // The workspaces themselves.
    const found = present[path];
    if (found === undefined)
      return entry.optional === true && (entry.libc !== undefined || !isForThisPlatform(entry));
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function isForThisPlatform({ os, cpu }) {
  return (os ?? process.platform).includes(process.platform) && (cpu ?? process.arch).includes(process.arch);
}

async function install() {
  if (isInstalled()) return; // Another bootstrap did it while this one waited.
  if (!isInstalledByHand()) await npmCi();
  writeFileSync(stampFile, wanted());
}

/** Install scripts are refused alike by every npm: what is needed of them is done by our own code, at use. */
async function npmCi() {
  const count = Object.keys(readJson(join(root, "package-lock.json")).packages).length;
  const started = Date.now();
  process.stderr.write(`Installing the ${count} locked packages with npm ci … `);
  const { code, output } = await run("npm", [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
  ]);
  process.stderr.write(
    `${code === 0 ? "done" : "failed"} in ${Math.round((Date.now() - started) / 1000)} s\n`,
  );
  if (code !== 0) throw new Stop(`${output.trimEnd()}\n\nnpm ci ended with ${code}; nothing was started.`);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    // NODE_ENV=production would leave out the tools that check and test.
    const env = { ...process.env, NODE_ENV: "development" };
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    // Should this process be killed meanwhile, the lock holds as long as npm itself is still at work.
    if (child.pid !== undefined) writeFileSync(lockFile, `${process.pid} ${child.pid}`);
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) =>
      reject(new Stop(`Could not run ${command}: ${error.message}. Is npm installed?`)),
    );
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Two bootstraps in one clone must not install at once: the second waits until the first is done. */
async function whileLocked(work) {
  mkdirSync(dirname(lockFile), { recursive: true });
  let told = false;
  while (!takeLock()) {
    if (!told) console.error("Another process is installing in this clone; waiting for it.");
    told = true;
    breakStaleLock();
    await pause(200);
  }
  const touch = setInterval(() => utimesSync(lockFile, new Date(), new Date()), 5_000);
  try {
    await work();
  } finally {
    clearInterval(touch);
    rmSync(lockFile, { force: true });
  }
}

function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new Stop(`Could not write ${lockFile}: ${error.message}`);
  }
}

/** Removes the lock of an owner that died. Only one process at a time may judge, or a fresh lock could be removed. */
function breakStaleLock() {
  const judge = `${lockFile}.judge`;
  try {
    mkdirSync(judge);
  } catch {
    if (ageMs(judge) > lockUntouchedMsMax) rmSync(judge, { recursive: true, force: true });
    return;
  }
  try {
    const owners = readFileSync(lockFile, "utf8").split(" ").map(Number);
    const isFresh = ageMs(lockFile) < lockUntouchedMsMax;
    // A pid of zero is an empty file: just created, its pid not yet written.
    if (!isFresh || !owners.some((pid) => pid === 0 || isAlive(pid))) rmSync(lockFile, { force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error; // Its owner was faster.
  } finally {
    rmdirSync(judge);
  }
}

function ageMs(path) {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function findNode() {
  const packaged = join(modules, `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  throw new Stop(
    `Quadrille needs Node.js 24. There is no packaged one for ${process.platform}-${process.arch}, and this is ` +
      `${process.version}: install Node.js 24 or newer and run the same command again.`,
  );
}

/**
 * The script gets its own session, so that each signal reaches it exactly once: from here. A Ctrl-C goes to
 * the whole process group and npm passes it on as well; the repeats are dropped. Should this process be killed
 * outright, the script sees its channel close and ends as if it had been asked to.
 */
function handOver(node, script, args) {
  const endWithParent =
    'process.once("disconnect", () => process.kill(process.pid, "SIGTERM")); process.channel?.unref()';
  const flags = [`--import=data:text/javascript,${encodeURIComponent(endWithParent)}`];
  const env = {
    ...process.env,
    PATH: [join(modules, ".bin"), process.env.PATH].join(delimiter),
    NODE_OPTIONS: [process.env.NODE_OPTIONS, "--disable-warning=ExperimentalWarning"]
      .filter(Boolean)
      .join(" "),
  };
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(node, [...flags, script, ...args], { env, stdio, detached: true });
  const passedOn = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (Date.now() - (passedOn.get(signal) ?? 0) < signalRepeatMs) return;
      passedOn.set(signal, Date.now());
      child.kill(signal);
    });
  }
  endWithNpm(child);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Stop(`Could not run ${node}: ${error.message}`)));
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** An npm that is killed tells nobody, so the one it started looks whether it is still there. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 500);
  watch.unref();
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
