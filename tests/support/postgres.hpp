// A private PostgreSQL for a test program: started once, databases made on demand.
#pragma once

#include <string>

#include "supervise/servers.hpp"
#include "support/temp_dir.hpp"

namespace cleave::test {

class Postgres {
 public:
  Postgres()
      : server_({.data_dir = dir_ / "data", .socket_dir = dir_ / "s", .settings = {"fsync=on"}}) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));  // for its own user
    server_.start();
  }
  /// The program's server; ends with the program.
  static Postgres& shared() {
    static Postgres one;
    return one;
  }
  supervise::PostgresServer& server() { return server_; }
  std::string owner(const std::string& name) {
    server_.create_database(name);
    return server_.url(name, name + "_owner");
  }
  std::string app(const std::string& name) {
    server_.create_database(name);
    return server_.url(name, name + "_app");
  }

 private:
  TempDir dir_;
  supervise::PostgresServer server_;
};

}  // namespace cleave::test
