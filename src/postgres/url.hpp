// Connection strings: what can be said about one without connecting. [any
// thread]
#pragma once

#include <string>

namespace cleave::postgres {

struct UrlParts {
  bool valid = false;
  std::string why;      // what a valid one looks like, when it is not; quotes nothing of it
  std::string user;     // empty: libpq's default, the OS user
  std::string options;  // the server settings it asks for: "-c search_path=app"
  std::string where;    // "host:port/database" for people and logs; never a password
};

/// Accepts URIs and keyword strings (PostgreSQL 15 manual, 34.1.1).
UrlParts parse_url(const std::string& url);

}  // namespace cleave::postgres
