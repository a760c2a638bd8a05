// Settings: everything that can be configured, as plain values with their defaults. Filled by the
// command line (src/cli/options.cpp), or by a test.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "http/server.hpp"

namespace cleave::host {

struct ModuleSettings {
  std::string database_url;                                // empty: embedded
  std::string owner_database_url;                          // for migrations; empty: database_url
  std::map<std::string, std::string, std::less<>> config;  // the module's own keys
};

struct Settings {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:8081";  // "off": none
  std::string admin_token;                      // required unless admin_listen is loopback
  std::string service_token;                    // shared by all hosts of a system; empty: no peers
  std::vector<std::string> modules;             // empty: all in module_dir
  std::vector<std::string> guard;               // of these, the ones in a process of their own
  std::filesystem::path module_dir, sql_dir;    // default: beside the executable
  std::filesystem::path data_dir;               // of the embedded servers; empty: the user's cache
  bool fresh = false;                           // remove the embedded data first
  std::string redis_url;                        // empty: embedded; "off": no cache
  unsigned threads = 0;                         // 0: see decide_threads()
  bool migrate = true;
  bool share_reads = true;
  bool near_cache = true;
  http::Limits limits;
  std::string log_format = "auto", log_level = "info";
  io::Millis drain_delay{300};   // after a stop signal, before no connection is taken any more
  io::Millis peer_timeout{800};  // most that a call to another host may take
  bool wire_faithful = false;    // calls here go through the wire's form too (http/network.hpp)
  std::vector<std::string> net;  // faults of a played network, as router::NetRule::parse takes them
  std::uint64_t net_seed = 1;
  std::map<std::string, ModuleSettings, std::less<>> module;
  std::map<std::string, std::string, std::less<>> peer_url;  // of each installed module; "": none
};

}  // namespace cleave::host
