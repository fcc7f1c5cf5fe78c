import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findNatsServer } from "./find-nats-server.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-find-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function programs(name: string, scripts: Record<string, string>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [program, script] of Object.entries(scripts)) {
    writeFileSync(join(path, program), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, program), 0o755);
  }
  return path;
}

test("a program in the PATH comes first", async () => {
  const path = programs("first", { "nats-server": "exit 0" });
  expect(await findNatsServer({ path: `/nowhere:${path}` })).toBe(join(path, "nats-server"));
});

test("where there is no package, it is said what to do and what cannot run", async () => {
  const nothing = { path: "/nowhere", cacheDir: join(folder, "empty") };
  await expect(findNatsServer({ ...nothing, platform: "darwin" })).rejects.toThrow(
    "`brew install nats-server`",
  );
  await expect(findNatsServer(nothing)).rejects.toThrow(/`sudo apt-get install nats-server`.*NATS_URL/);
});

// Stands in for apt: the real one is used by the first run of a fresh clone.
const fakes = (aptGet: string) => ({
  "apt-get": aptGet,
  "dpkg-deb":
    'mkdir -p "$3/usr/sbin" && cp "$2" "$3/usr/sbin/nats-server" && chmod 755 "$3/usr/sbin/nats-server"',
});
const bringsIt =
  "case \"$*\" in *download*) printf '#!/bin/sh\\necho it is me\\n' > nats-server_2_any.deb;; esac";

// The fakes themselves need cp and the like.
const withSystem = (path: string) => `${path}:/usr/bin:/bin`;

const found = (name: string, aptGet: string) =>
  findNatsServer({
    path: withSystem(programs(name, fakes(aptGet))),
    cacheDir: join(folder, `${name}-cache`),
  });

test("Debian's package is unpacked into the cache, where the next search finds it", async () => {
  const program = await found("debian", bringsIt);
  expect(execFileSync(program, { encoding: "utf8" })).toBe("it is me\n");
  expect(await findNatsServer({ path: "/nowhere", cacheDir: join(folder, "debian-cache") })).toBe(program);
});

test("where the system has no package lists, they are fetched aside", async () => {
  const needsLists = `case "$*" in
    *Dir::State::lists=*update*) touch lists-are-here;;
    *Dir::State::lists=*) test -e lists-are-here || exit 100;;
    *) exit 100;;
  esac
  ${bringsIt}`;
  expect(existsSync(await found("listless", needsLists))).toBe(true);
});

test("a package that cannot be had is told with its reason", async () => {
  await expect(found("offline", "echo no such host >&2; exit 100")).rejects.toThrow(
    /Install it with.*\n.*no such host/s,
  );
  await expect(found("empty-handed", "exit 0")).rejects.toThrow("apt-get brought no package");
});

test("two who fetch at once both get a whole program", async () => {
  const path = withSystem(programs("both", fakes(bringsIt)));
  const search = { path, cacheDir: join(folder, "both-cache") };
  const [one, two] = await Promise.all([findNatsServer(search), findNatsServer(search)]);
  expect(one).toBe(two);
  expect(execFileSync(one, { encoding: "utf8" })).toBe("it is me\n");
});
