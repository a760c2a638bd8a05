#include "loader/file_check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "loader/elf.hpp"

namespace cleave::loader {
namespace {

namespace fs = std::filesystem;

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

std::string kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

bool trusted(uid_t owner) {
  return owner == 0 || owner == geteuid();
}

}  // namespace

std::optional<Refusal> check_file(const fs::path& file, fs::path& real) {
  const std::string name = file.filename();
  std::error_code error;
  real = fs::canonical(file, error);
  struct stat status {};
  if (error || stat(real.c_str(), &status) != 0) {
    return Refusal{name, "file", "a module file", "nothing at " + file.string(),
                   "check the path, or build the module"};
  }
  if (!S_ISREG(status.st_mode)) {
    return Refusal{name, "file", "a regular file", kind(status.st_mode),
                   "put only module files under names that end in .so"};
  }
  const std::string quoted = "'" + real.string() + "'";
  if (!trusted(status.st_uid)) {
    return Refusal{name, "file owner", "root or this user", "uid " + std::to_string(status.st_uid),
                   "chown " + quoted + ", once you know what is in it"};
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Refusal{name, "file mode", "not writable by group or others", octal(status.st_mode),
                   "chmod go-w " + quoted};
  }
  const fs::path folder = real.parent_path();
  struct stat folder_status {};
  if (stat(folder.c_str(), &folder_status) != 0 || (folder_status.st_mode & S_IWOTH) != 0) {
    return Refusal{name, "directory mode", "not writable by others", octal(folder_status.st_mode),
                   "chmod o-w '" + folder.string() + "', or keep modules elsewhere"};
  }
  try {
    const ElfFile elf(real);
  } catch (const std::runtime_error& problem) {
    return Refusal{name, "file format", "a shared library of this machine, whole", problem.what(),
                   "build or copy the module again"};
  }
  return std::nullopt;
}

}  // namespace cleave::loader
