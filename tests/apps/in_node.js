// The codes that a library of the npm registry computes: `node in_node.js NAME FOLDER < cases.json`. tests/apps/run describes cases
// and answers.
const { createHmac } = require("crypto");
const [name, folder] = process.argv.slice(2);
const { time, cases } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const library = require(require.resolve(name, { paths: [folder] }));

// RFC 4226 section 5.3, for a library that only parses a URI.
function computed(key, algorithm, digits, period) {
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(time / period)));
    const mac = createHmac(algorithm.toLowerCase(), key).update(step).digest();
    const value = mac.readUInt32BE(mac[mac.length - 1] & 15) & 0x7fffffff;
    return String(value % 10 ** digits).padStart(digits, "0");
}

function decoded(text) {
    const bits = [...text].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
    return Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
}

const programs = {
    // Their callers parse the URI, and pass its values on.
    speakeasy: ({ secret, algorithm, digits, period }) => [
        library.totp({ secret, encoding: "base32", time, algorithm: algorithm.toLowerCase(), digits, step: period }),
    ],
    "otplib@12": ({ secret, algorithm, digits, period }) => {
        const given = library.authenticator.clone();
        given.options = { algorithm: algorithm.toLowerCase(), digits, step: period, epoch: time * 1000 };
        return [given.generate(secret)];
    },
    "otplib@13": ({ uri }) => {
        const { parse } = require(require.resolve("@otplib/uri", { paths: [folder] }));
        const { label, params } = parse(uri);
        return [library.generateSync({ ...params, strategy: "totp", epoch: time }), label.slice(label.indexOf(":") + 1)];
    },
    otpauth: ({ uri }) => {
        const totp = library.URI.parse(uri);
        return [totp.generate({ timestamp: time * 1000 }), totp.label];
    },
    "url-otpauth": ({ uri }) => {
        const { key, digits = 6, period = 30, algorithm = "SHA1", account } = library.parse(uri);
        return [computed(decoded(key), algorithm, digits, period), account];
    },
    "@bitwarden/sdk-internal": ({ uri }) => [client.generate_totp(uri, time * 1000).code],
};
const bitwarden = () => new library.PasswordManagerClient({ get_access_token: async () => "" }, undefined, new library.ManagedSettingsClient());
const client = library.PasswordManagerClient && bitwarden().vault().totp();
const { version } = JSON.parse(require("fs").readFileSync(`${folder}/node_modules/${name}/package.json`));
const program = programs[name] ?? programs[`${name}@${version.split(".")[0]}`];
const answers = cases.map((one) => {
    try {
        const [code, account] = program(one);
        return { code, account };
    } catch (error) {
        return { refused: String(error.message ?? error).slice(0, 60) };
    }
});
console.log(JSON.stringify(answers));
