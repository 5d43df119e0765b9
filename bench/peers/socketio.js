// A channel server of Socket.IO: rooms. A peer of bench.fanout, no more.
const { Server } = require("socket.io");

const io = new Server(Number(process.argv[2]), { pingInterval: 300000 });
io.on("connection", (socket) => {
  socket.on("sub", (channel) => {
    socket.join(channel);
    socket.emit("ok");
  });
  socket.on("pub", (channel, text) => io.to(channel).emit("m", text));
});
