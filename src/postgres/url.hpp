// Connection strings: what can be said about one without connecting. [any thread]
#pragma once

#include <string>

namespace cleave::postgres {

struct UrlParts {
  bool valid = false;
  std::string why;   // libpq's words when not valid
  std::string user;  // empty: libpq's default, the OS user
  std::string where;  // "host:port/database" for people and logs; never a password
};

/// Accepts URIs and keyword strings (PostgreSQL 15 manual, 34.1.1).
UrlParts parse_url(const std::string& url);

}  // namespace cleave::postgres
