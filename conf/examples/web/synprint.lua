-- For HAProxy 2.6 and later: asks synprint-web about the client of each request, and sets
-- txn.synprint_os, _os_confidence, _os_mismatch, _flags, _link, _hops and _verdict.
-- No answer is no reason to refuse: after 35 ms they are "unknown", and the log says so once.
local path = "/run/synprint-web/http.sock"
local is_told = false
local names = { "os", "os-confidence", "os-mismatch", "flags", "link", "hops", "verdict" }

local function ask(txn)
    local agent = (txn.sf:req_hdr("User-Agent") or ""):gsub("%c", " "):sub(1, 4000)
    local socket = core.tcp()
    socket:settimeout(0.035)
    local reply = nil
    if socket:connect("unix@" .. path) and socket:send(string.format(
        "GET /auth HTTP/1.1\r\nHost: synprint\r\nConnection: close\r\nX-Real-IP: %s\r\n" ..
        "X-Real-Port: %d\r\nUser-Agent: %s\r\n\r\n", txn.f:src(), txn.f:src_port(), agent)) then
        reply = socket:receive("*a")
    end
    socket:close()
    if not reply and not is_told then
        core.Warning("synprint-web does not answer at " .. path ..
                     ": is HAProxy's group in `global` its own, and is it there in HAProxy's chroot?")
    end
    is_told = not reply
    return reply or ""
end

core.register_action("synprint", { "http-req" }, function(txn)
    local found = {}
    for line in ask(txn):gmatch("[^\r\n]+") do
        local name, value = line:match("^[Xx]%-[Cc]lient%-([^:]+): *(.*)$")
        if name then
            found[name:lower()] = value
        end
    end
    for _, name in ipairs(names) do
        txn:set_var("txn.synprint_" .. name:gsub("-", "_"), found[name] or "unknown")
    end
end)
