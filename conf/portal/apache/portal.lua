-- Apache asks the portal about each request with this script: see portal.conf. It reads no request body and stores nothing.

require "apache2"
local unix = require "socket.unix"

local SOCKET = "/run/pam_otp-portal-web/http.sock"
local SECONDS = 10

-- Returns the portal's answer: its status, and its headers by their names in lower case; nil if the portal does not answer.
local function ask(lines)
    local connection = unix()
    connection:settimeout(SECONDS)
    if not connection:connect(SOCKET) then return nil end
    if not connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n") then return nil end
    local status = tonumber(string.match(connection:receive("*l") or "", "^HTTP/1%.1 (%d%d%d)"))
    local headers = {}
    while status do
        local line = connection:receive("*l")
        if not line then status = nil end
        if not line or line == "" then break end
        local name, value = string.match(line, "^([%w-]+):%s*(.-)%s*$")
        if name then headers[string.lower(name)] = value end
    end
    connection:close()
    return status, headers
end

-- Removes what would end the line of a header: the value comes from a visitor.
local function one_line(value)
    return (string.gsub(value or "", "[%c]", ""))
end

-- Returns the host as the portal knows it, with the port unless it is 443.
local function host_of(r)
    local host, port = one_line(r.hostname), tonumber(r.port)
    if port and port ~= 443 then host = host .. ":" .. port end
    return host
end

function verify(r)
    -- Ask once for each request, and not for the portal's own paths.
    if r.main or string.match(r.uri, "^/%.otp%-portal/") then return apache2.DECLINED end
    local status, headers = ask {
        "GET /verify HTTP/1.1",
        "Host: " .. host_of(r),
        "Connection: close",
        "Cookie: " .. one_line(r.headers_in["Cookie"]),
        "X-Forwarded-For: " .. one_line(r.useragent_ip),
        "X-Forwarded-Host: " .. host_of(r),
        "X-Forwarded-Uri: " .. one_line(r.unparsed_uri),
        "X-Forwarded-Method: " .. one_line(r.method),
        "X-Forwarded-Proto: https",
    }
    if status == 204 and headers["remote-user"] then
        r.user = headers["remote-user"]
        r.headers_in["Remote-User"] = headers["remote-user"]
        r.headers_in["Remote-Groups"] = headers["remote-groups"] or ""
        return apache2.OK
    end
    if status == 401 and headers["x-otp-login"] then
        r.err_headers_out["Location"] = headers["x-otp-login"]
        r.err_headers_out["Cache-Control"] = "no-store"
        return 302
    end
    return status == 403 and 403 or 503
end
