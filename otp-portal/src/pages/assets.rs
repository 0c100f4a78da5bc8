//! The style sheet, the script and the icon. They are compiled in, and the same for all users.

/// A file that pages refer to.
pub struct Asset {
    /// The path. Pages add `?` and [`Asset::version`], so browsers can keep the file for a year.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

/// All files.
pub const ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

/// The style sheet.
pub const STYLE: Asset = Asset {
    path: "/assets/portal.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/portal.css"),
};

/// The script, which copies and prints.
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
    /// Returns the address for pages.
    #[must_use]
    pub fn link(&self) -> String {
        format!("{}?{:08x}", self.path, self.version())
    }

    /// Returns a hash of the bytes (FNV-1a), so the address changes only with the content.
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
