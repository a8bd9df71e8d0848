#include "support/sim.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <sstream>

#include "support/support.hpp"

namespace support {

std::vector<std::string> sim(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{support::program("mth5-sim"), "lemi424"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

mth5::Descriptor open_line(const std::filesystem::path& link) {
  return mth5::Descriptor{open(link.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
}

mth5::Descriptor tcp_connect(const std::string& port) {
  mth5::Descriptor fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

std::string read_all(int fd, const Reading& reading) {
  std::string all;
  std::vector<char> buffer(reading.block);
  for (std::size_t i = 1; all.size() < reading.limit; ++i) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 30'000) <= 0) {
      ADD_FAILURE() << "nothing to read for 30 s after " << all.size() << " bytes";
      break;
    }
    const ssize_t n = read(fd, buffer.data(), std::min(reading.block, reading.limit - all.size()));
    if (n <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(n));
    if (reading.nap_every > 0 && i % reading.nap_every == 0) poll(nullptr, 0, 1);
  }
  return all;
}

std::vector<std::map<std::string, std::string>> truth_rows(const std::filesystem::path& path) {
  const auto split = [](const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream text{line};
    for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
    return fields;
  };
  std::vector<std::map<std::string, std::string>> rows;
  std::istringstream in{read_text(path)};
  std::string line;
  std::getline(in, line);
  const auto names = split(line);
  while (std::getline(in, line)) {
    const auto fields = split(line);
    EXPECT_EQ(fields.size(), names.size()) << line;
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < std::min(fields.size(), names.size()); ++i) row[names[i]] = fields[i];
  }
  return rows;
}

std::size_t truth_bytes(const std::filesystem::path& path) {
  std::size_t bytes = 0;
  for (const auto& row : truth_rows(path)) bytes += std::stoul(row.at("bytes"));
  return bytes;
}

}  // namespace support
