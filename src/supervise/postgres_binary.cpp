#include "supervise/postgres_binary.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervise/files.hpp"

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;

/// 0 for a program that does not lie in a folder of its version.
int version_of(const fs::path& postgres) {
  return std::atoi(postgres.parent_path().parent_path().filename().c_str());
}

}  // namespace

fs::path find_postgres(const fs::path& installed, const fs::path& data_dir) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(installed, error)) {
    folders.push_back(entry.path() / "bin");
  }
  std::sort(folders.begin(), folders.end(), [](const fs::path& a, const fs::path& b) {
    return version_of(a / "postgres") > version_of(b / "postgres");
  });
  std::string version;
  std::ifstream(data_dir / "PG_VERSION") >> version;
  if (!version.empty()) folders.insert(folders.begin(), installed / version / "bin");
  const fs::path found = find_program("postgres", folders);
  if (found.empty()) {
    throw std::runtime_error(
        "PostgreSQL's server is not installed: sudo apt-get install postgresql" +
        (version.empty() ? "" : "-" + version) + " (or set CLEAVE_<MODULE>_DATABASE_URL)");
  }
  const int ours = version_of(found);
  if (!version.empty() && ours > 0 && ours != std::atoi(version.c_str())) {
    throw std::runtime_error("the data in " + data_dir.string() + " is of PostgreSQL " + version +
                             ", installed is " + std::to_string(ours) + "; install postgresql-" +
                             version + ", or remove the data with `cleave run --fresh`");
  }
  return found;
}

}  // namespace cleave::supervise
