// The browser of the tests: from the PATH, or from Debian's package, which is installed where it is missing.
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const names = ["chromium", "chromium-browser", "google-chrome"];
const ofMacOs = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/** Another apt may be at work on the same machine. */
const lockWait = ["-o", "DPkg::Lock::Timeout=240"];

/** The path of a browser that can be run; fails with what to do where there is none. */
export async function findChromium(path = process.env.PATH ?? ""): Promise<string> {
  const there = found(path);
  if (there !== undefined) return there;
  try {
    await installDebianPackage();
  } catch (error) {
    throw new Error(`${advice}\n${(error as Error).message}`, { cause: error });
  }
  const installed = found(path);
  if (installed === undefined) throw new Error(advice);
  return installed;
}

const advice =
  "Chromium was not found, and without it nobody sees whether the page works. Install it with " +
  "`sudo apt-get install chromium` or `brew install --cask chromium`, or put it anywhere in the PATH.";

function found(path: string): string | undefined {
  const inPath = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...inPath, ...(process.platform === "darwin" ? ofMacOs : [])].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A browser stands on a hundred other packages, so it cannot be unpacked into a folder of our own. */
async function installDebianPackage(): Promise<void> {
  const install = () => asRoot("install", "--yes", "--no-install-recommends", "chromium");
  try {
    await install();
  } catch {
    await asRoot("update"); // There were no package lists, or older ones than the archive.
    await install();
  }
}

async function asRoot(...args: string[]): Promise<void> {
  const command = ["apt-get", ...lockWait, ...args];
  // Without a password at hand nobody could type one here.
  const [program = "", ...rest] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run(program, rest, { env, maxBuffer: 64 * 1024 * 1024 });
}
