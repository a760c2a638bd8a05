#include "loader/library.hpp"

#include <dlfcn.h>

#include <cstring>
#include <exception>

#include "loader/fields.hpp"
#include "loader/file_check.hpp"

namespace cleave::loader {
namespace {

/// The words of dlopen(3), without the path that they begin with.
std::string dl_words() {
  const char* error = dlerror();
  if (error == nullptr) return "no reason given";
  const char* colon = std::strstr(error, ": ");
  return colon != nullptr ? colon + 2 : error;
}

}  // namespace

std::string Refusal::text() const {
  return subject + ": " + field + ": expected " + expected + ", found " + found + "; " + remedy;
}

std::vector<std::string> Library::depends_on() const {
  std::vector<std::string> names;
  for (const char* const* name = module->depends_on; *name != nullptr; ++name) {
    names.emplace_back(*name);
  }
  return names;
}

std::variant<Library, std::vector<Refusal>> open_library(const std::filesystem::path& file) {
  const std::string subject = file.filename();
  std::filesystem::path real;
  if (auto refusal = check_file(file, real)) return std::vector{*std::move(refusal)};
  // Never closed: threads, statics and exceptions of the module may outlive any moment at which
  // it would seem safe to unmap it. NODELETE says the same to everybody else.
  void* const handle = dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    return std::vector{Refusal{subject, "dlopen", "a library that loads", dl_words(),
                               "link it with -Wl,-z,defs to see what is missing"}};
  }
  const auto entry = reinterpret_cast<cleave_module_v1_fn>(dlsym(handle, "cleave_module_v1"));
  if (entry == nullptr) {
    return std::vector{Refusal{subject, "symbol", "cleave_module_v1", "no such symbol",
                               "export it with CLEAVE_MODULE, or as CLEAVE_EXPORT from C"}};
  }
  const cleave_module* module = nullptr;
  try {
    module = entry();
  } catch (...) {
    return std::vector{Refusal{subject, "cleave_module_v1", "a struct", "an exception",
                               "return the address of a static struct"}};
  }
  auto refusals = check_fields(subject, module);
  if (!refusals.empty()) return refusals;
  return Library{real, module};
}

}  // namespace cleave::loader
