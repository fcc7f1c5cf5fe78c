// Makes certificates for tests of TLS, so that no key lies in the repository and no tool has to be installed.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Certificate {
  readonly name: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
}

const ed25519 = sequence(der(0x06, Buffer.from([0x2b, 0x65, 0x70])));

/** A certificate for localhost, signed by `issuer`, or by itself and then good as an authority. */
export function makeCertificate(name: string, issuer?: Certificate): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const year = new Date().getUTCFullYear();
  const validity = sequence(time(`${year - 1}`), time(`${year + 5}`));
  const basicConstraints = sequence(...(issuer === undefined ? [der(0x01, Buffer.from([0xff]))] : []));
  const alternativeName = sequence(der(0x82, Buffer.from("localhost")));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // Version 3, for the extensions.
    der(0x02, Buffer.from([1, ...Buffer.from(name)])), // The serial number, unique per issuer as the name is.
    ed25519,
    commonName(issuer?.name ?? name),
    validity,
    commonName(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension(0x13, basicConstraints), extension(0x11, alternativeName))),
  );
  const signature = sign(null, body, issuer?.key ?? privateKey);
  const certificate = sequence(body, ed25519, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = certificate.toString("base64").replace(/(.{64})/g, "$1\n");
  return {
    name,
    certPem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    key: privateKey,
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...members: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(members));
}

function commonName(name: string): Buffer {
  const attribute = sequence(der(0x06, Buffer.from([0x55, 0x04, 0x03])), der(0x0c, Buffer.from(name)));
  return sequence(der(0x31, attribute));
}

function time(year: string): Buffer {
  return der(0x18, Buffer.from(`${year}0101000000Z`));
}

function extension(id: number, value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from([0x55, 0x1d, id])), der(0x04, value));
}
