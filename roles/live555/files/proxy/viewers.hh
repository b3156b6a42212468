// The side towards the viewers: an RTSP server on 127.0.0.1 only, media inside the RTSP connection only.
#pragma once

#include <RTSPServer.hh>

#include <cstdint>
#include <functional>
#include <set>

class ViewerServer : public RTSPServer {
 public:
  // Throws std::system_error when the port cannot be had: there is no other port to fall back to.
  ViewerServer(UsageEnvironment& env, std::uint16_t port);

  // At least one viewer has sent PLAY.
  bool hasPlayingViewer() const { return !playing_.empty(); }

  // A viewer has SETUP this track (counted from 0) and sent PLAY: the library reads it from the camera.
  bool isRead(unsigned track) const;

  // Ends all viewers' connections, so that they notice and ask again.
  void hangUp();

  // Have `before` called right before the library may start to read tracks for a viewer, and `after` when it may be
  // about to start or stop, for a look at isRead() once the event loop is back.
  void onReading(std::function<void()> before, std::function<void()> after);

 protected:
  ClientConnection* createNewClientConnection(int socket, sockaddr_storage const& address) override;
  ClientSession* createNewClientSession(u_int32_t id) override;

 private:
  class Connection;
  class Session;
  std::set<Connection*> connections_;
  std::set<Session*> playing_;
  std::function<void()> beforeReading_ = [] {};
  std::function<void()> afterReading_ = [] {};
};
