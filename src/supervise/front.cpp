#include "supervise/front.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kSameUser = static_cast<uid_t>(-1);  // chown(2): not changed

/// The set-group-ID bit gives the group what is made in the folder (inode(7)).
bool give_to(gid_t group, const fs::path& folder) {
  const fs::path above = folder.parent_path();
  return chown(above.c_str(), kSameUser, group) == 0 && chmod(above.c_str(), 0710) == 0 &&
         chown(folder.c_str(), kSameUser, group) == 0 && chmod(folder.c_str(), 02710) == 0;
}

}  // namespace

Front make_front(RunDir& run_dir) {
  Front front{run_dir / "front", ""};
  if (mkdir(front.directory.c_str(), 0700) != 0) {
    throw std::runtime_error("cannot make " + front.directory.string() + ": " +
                             std::strerror(errno));
  }
  if (geteuid() != 0) return front;
  for (const char* name : {"www-data", "nobody"}) {
    const passwd* user = getpwnam(name);
    const group* its = user != nullptr ? getgrgid(user->pw_gid) : nullptr;
    if (its == nullptr || !give_to(its->gr_gid, front.directory)) continue;
    front.run_as = std::string(name) + " " + its->gr_name;
    return front;
  }
  front.run_as = "root root";  // said, since NGINX has a default of its own
  return front;
}

}  // namespace cleave::supervise
