// The gateway's API, asked in the name of whoever is signed in here.
import { openClient, Problem } from "@quadrille/client";
import { forget, remembered } from "./memory.ts";

export const { GET, POST, PATCH, DELETE, watchOrder } = openClient({
  baseUrl: location.origin,
  token: () => remembered("token") ?? "",
});

/** What was answered. Whoever's token is refused is signed out. */
export async function answerOf<Data>(asked: Promise<{ readonly data: Data }>): Promise<Data> {
  try {
    return (await asked).data;
  } catch (error) {
    throw signedOutBy(error);
  }
}

/** The same error, after it was seen whether it says that the token is refused. */
export function signedOutBy(error: unknown): unknown {
  if (error instanceof Problem && error.status === 401) {
    forget("token");
    dispatchEvent(new Event("signedout"));
  }
  return error;
}
