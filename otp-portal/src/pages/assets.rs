//! The style sheet, the one script, and the icon: compiled in, and the same for everybody.

/// A file that pages refer to.
pub struct Asset {
    /// Its path; pages add `?` and [`Asset::version`], so that it can be kept for a year.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

/// All of them.
pub const ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

/// The style sheet.
pub const STYLE: Asset = Asset {
    path: "/assets/portal.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/portal.css"),
};

/// The script: it copies, and prints.
pub const SCRIPT: Asset = Asset {
    path: "/assets/portal.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../assets/portal.js"),
};

/// The icon.
pub const ICON: Asset = Asset {
    path: "/assets/icon.svg",
    content_type: "image/svg+xml",
    bytes: include_bytes!("../../assets/icon.svg"),
};

impl Asset {
    /// Where pages find it.
    #[must_use]
    pub fn link(&self) -> String {
        format!("{}?{:08x}", self.path, self.version())
    }

    /// Changes with the bytes (FNV-1a), and only with them.
    #[must_use]
    pub const fn version(&self) -> u32 {
        let mut hash: u32 = 0x811c_9dc5;
        let mut at = 0;
        while at < self.bytes.len() {
            hash = (hash ^ self.bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        hash
    }
}
