// cpp-httplib's client for a host on this machine; for commands only.
#pragma once

#include <httplib.h>

#include <string>

namespace cleave::http {

/// `listen` as in Options::listen; an address for all interfaces is asked on loopback.
httplib::Client local_client(const std::string& listen);

}  // namespace cleave::http
