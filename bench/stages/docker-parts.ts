// What only the deployment in containers needs, loaded when it is asked for.
export { DockerDeployment } from '../deploy/docker/docker.ts'
export { toxiproxyWan } from '../wan/toxiproxy-wan.ts'
