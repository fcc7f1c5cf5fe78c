// config.ts: what the environment may say, read once, with every fault told at once.
export type Config = Readonly<{
  host: string;
  port: number;
  secretKey: string;
  dataDir: string | undefined;
  webhookUrl: string | undefined;
  seed: string;
  answerDelayMs: number;
  sessionMs: number;
  paymentsMax: number;
}>;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Error whose message has one line per fault */
export function readConfig(env: Environment): Config {
  const faults: string[] = [];
  const count = (name: string, fallback: number, least: number, most: number): number => {
    const text = env[name];
    if (text === undefined || text === "") return fallback;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    faults.push(`${name} is a whole number from ${least} to ${most}, not "${text}"`);
    return fallback;
  };
  const text = (name: string): string | undefined => env[name] || undefined;

  const secretKey = text("SECRET_KEY") ?? "";
  if (!/^(test|live)_[\w-]{4,200}$/.test(secretKey)) {
    faults.push("SECRET_KEY is needed: test_ or live_, then 4 to 200 letters, digits, _ or -");
  }
  const webhookUrl = text("WEBHOOK_URL");
  if (webhookUrl !== undefined && !/^https?:$/.test(URL.parse(webhookUrl)?.protocol ?? "")) {
    faults.push(`WEBHOOK_URL is an http address, not "${webhookUrl}"`);
  }
  const config = {
    host: text("HOST") ?? "127.0.0.1",
    port: count("PORT", 0, 0, 65_535),
    secretKey,
    dataDir: text("DATA_DIR"),
    webhookUrl,
    seed: text("SEED") ?? "1",
    answerDelayMs: count("ANSWER_DELAY_MS", 0, 0, 60_000),
    sessionMs: count("SESSION_MS", 600_000, 1, 86_400_000),
    paymentsMax: count("MAX_PAYMENTS", 500_000, 1, 5_000_000),
  };
  if (faults.length > 0) throw new Error(`The environment is wrong:\n${faults.join("\n")}`);
  return Object.freeze(config);
}
