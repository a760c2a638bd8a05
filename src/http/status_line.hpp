// The first line of an answer, as cpp-httplib writes it.
#pragma once

#include <string_view>

namespace cleave::http {

/// "HTTP/1.1 404 Not Found\r\n" for a status of 200 to 599. What cpp-httplib's process_request
/// writes depends on the status alone once the door has done its work, so it runs once a status and
/// thread (8 us), and the line is kept. The view stays valid for the thread's life. Never waits;
/// when httplib fails (out of memory), the line has no reason phrase (RFC 9112, 4: it may be
/// empty).
std::string_view status_line(int status);

}  // namespace cleave::http
