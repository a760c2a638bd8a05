#include "gateway/gateway.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace cleave::test {
namespace {

using namespace std::chrono_literals;

std::string free_address() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, raw, size) == 0 && getsockname(fd, raw, &size) == 0;
  close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

bool answers(const std::string& address) {
  try {
    return ask_at(address, "GET", "/").status == 404;
  } catch (const std::runtime_error&) {  // not yet
    return false;
  }
}

}  // namespace

Ran run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  Ran ran{};
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe))
    ran.output.append(buffer, got);
  ran.code = WEXITSTATUS(pclose(pipe));
  return ran;
}

Rendered::Rendered(Settings settings, const Extra& extra) : address_(free_address()) {
  std::string& listen = settings.try_emplace("GATEWAY_LISTEN", address_).first->second;
  if (listen.ends_with(':')) listen += address_.substr(address_.rfind(':') + 1);
  settings["GATEWAY_ERROR_LOG"] = error_log();
  if (geteuid() == 0) settings["GATEWAY_RUN_AS"] = "nobody nogroup";
  std::string command = "env";
  for (const auto& [name, value] : settings) command += " '" + name + "=" + value + "'";
  const Ran ran =
      run(command + " " CLEAVE_SOURCE_DIR "/docker/nginx/render.sh " + directory_.path().string());
  if (ran.code != 0) throw std::runtime_error("render.sh: " + ran.output);
  std::ofstream(directory_ / "services/extra.conf") << extra.text;
}

std::string Rendered::file(const std::string& name) const {
  std::ifstream in(directory_ / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

Gateway::Gateway(Settings settings, const Extra& extra) : rendered_(std::move(settings), extra) {
  std::string words[] = {"nginx", "-e",         rendered_.error_log(), "-c", rendered_.config(),
                         "-g",    "daemon off;"};
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  const std::string path = std::string(getenv("PATH")) + ":/usr/sbin:/sbin";
  setenv("PATH", path.c_str(), 1);  // Debian keeps nginx in sbin
  if (posix_spawnp(&pid_, "nginx", nullptr, nullptr, raw.data(), environ) != 0) {
    throw std::runtime_error("nginx is not installed: apt-get install nginx-light");
  }
  bool ended = false;
  for (int i = 0; i < 500 && !ended; ++i) {
    if (answers(address())) return;
    ended = waitpid(pid_, nullptr, WNOHANG) != 0;
    std::this_thread::sleep_for(10ms);
  }
  if (!ended) {  // no destructor will stop it
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  throw std::runtime_error("nginx did not start: " + rendered_.file("error.log"));
}

Gateway::~Gateway() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

}  // namespace cleave::test
