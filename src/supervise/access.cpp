#include "supervise/access.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace cleave::supervise {

namespace fs = std::filesystem;

namespace {

std::string user_name(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

void write_file(const fs::path& file, const std::string& text, const ServerUser& user) {
  const fs::path fresh = file.string() + ".new";
  std::ofstream(fresh) << text;
  if (geteuid() == 0 && chown(fresh.c_str(), user.uid, user.gid) != 0) {
    throw std::runtime_error("cannot own " + fresh.string());
  }
  chmod(fresh.c_str(), 0600);
  fs::rename(fresh, file);
}

}  // namespace

std::set<std::string> read_names(const fs::path& data_dir) {
  std::set<std::string> names;
  std::ifstream in(data_dir / "cleave_databases");
  for (std::string name; std::getline(in, name);) names.insert(name);
  return names;
}

void write_access(const fs::path& data_dir, const std::set<std::string>& names,
                  const ServerUser& user) {
  std::string hba = "local all postgres peer map=cleave\n";
  std::string ident, list;
  for (const std::string& who : std::set<std::string>{user_name(geteuid()), user.name}) {
    ident += "cleave " + who + " postgres\n";
    for (const std::string& name : names) {
      ident += "cleave " + who + " " + name + "_owner\ncleave " + who + " " + name + "_app\n";
    }
  }
  for (const std::string& name : names) {
    for (const char* role : {"_owner", "_app"}) {
      hba += "local \"" + name + "\" \"" + name + role + "\" peer map=cleave\n";
    }
    list += name + "\n";
  }
  write_file(data_dir / "cleave_hba.conf", hba + "local all all reject\n", user);
  write_file(data_dir / "cleave_ident.conf", ident, user);
  write_file(data_dir / "cleave_databases", list, user);
}

}  // namespace cleave::supervise
